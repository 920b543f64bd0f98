//! Two stores of one server, one of which can't be reached.

use super::*;

const TOP: &str = "/metrics/pageviews/top/en.wikipedia/all-access/2026/10/01";
const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";

#[test]
fn the_banner_and_check_config_say_what_is_read_from_each_store() {
    let home = tempfile::tempdir().unwrap();
    let (store, file) = (home.path().join("s.sqlite"), home.path().join("aqs.yaml"));
    let directory = rows(home.path(), "unique_devices", &devices(1, 7));
    assert!(
        run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store))
            .status
            .success()
    );
    let config = format!(
        "listen: ['127.0.0.1:0']\nadmin: {{listen: ['127.0.0.1:0']}}\nstore: {{path: {}}}\n\
         cassandra: {{hosts: ['127.0.0.1:1']}}\nroutes: {{device-analytics: embedded}}\n",
        store.display()
    );
    fs::write(&file, config).unwrap();

    let checked =
        output_text(&run(aqs(home.path()).arg("check-config").arg("--config").arg(&file)));
    for line in ["  unique-devices-daily: embedded", "  pageviews-top-daily: cassandra"] {
        assert!(checked.lines().any(|held| held == line), "{line} is not in\n{checked}");
    }

    let running = Running::spawn(aqs(home.path()).arg("--config").arg(&file));
    let printed = &running.printed;
    let line =
        format!("Store: {}, for unique-devices-daily, unique-devices-monthly", store.display());
    assert!(printed.lines().any(|held| held == line), "{line} is not in\n{printed}");
    let is_routed = |line: &str| {
        line.starts_with("Cassandra at 127.0.0.1:1, for ") && line.contains("pageviews-top-daily")
    };
    assert!(printed.lines().any(is_routed), "Cassandra's datasets are not in\n{printed}");
    // What is known of one store is printed without the other.
    assert!(printed.contains("2026-10-01") && printed.contains("not known yet"), "{printed}");
    assert!(running.get(DEVICES).starts_with("HTTP/1.1 200 "));
    assert!(running.get(TOP).starts_with("HTTP/1.1 503 "));
    // A part of the list is not all of it.
    assert!(running.get("/metrics/datasets").starts_with("HTTP/1.1 503 "));
}
