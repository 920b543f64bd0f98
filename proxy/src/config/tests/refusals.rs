//! Mistakes.

use super::*;

#[test]
fn a_file_is_refused_with_place_key_and_reason() {
    for (file, refusal) in [
        ("lisen:", ":1:1: lisen: there is no such key; the nearest is `listen`"),
        ("lisen: []", ":1:1: lisen: there is no such key; the nearest is `listen`"),
        ("admin:\n  listn: []", ":2:3: admin.listn: there is no such key; the nearest is `listen`"),
        ("limits:\n  haed: 10s", ":2:3: limits.haed: there is no such key; the nearest is `head`"),
        (
            "freshness:\n  no_data:\n    freshh: 1s",
            ":3:5: freshness.no_data.freshh: there is no such key; the nearest is `fresh`",
        ),
        (
            "cassandra:\n  authentication:\n    pasword: x",
            ":3:5: cassandra.authentication.pasword: there is no such key; the nearest is `password`",
        ),
        (
            "limits: {head: 10}",
            ":1:16: limits.head: `10` is no duration such as 250ms, 300s, 5m or 24h",
        ),
        ("limits: {head: 0s}", ":1:16: limits.head: `0s` is out of range: 1ms to 8760h"),
        ("limits: {head: 9999h}", ":1:16: limits.head: `9999h` is out of range: 1ms to 8760h"),
        ("limits: {head: [1s]}", ":1:16: limits.head: expected a single value"),
        ("refreshes: many", ":1:12: refreshes: `many` is no whole number of 1 to 65536"),
        (
            "limits: {header_lines: 101}",
            ":1:24: limits.header_lines: 101 is out of range: 1 to 100",
        ),
        ("limits: 3", ":1:9: limits: expected keys with values"),
        ("memory: 2XB", ":1:9: memory: `2XB` is no size such as 16KiB or 2GiB"),
        ("memory: 2KiB", ":1:9: memory: 2KiB is out of range: 8MiB to 1PiB"),
        ("memory: 8MiB\nmemory: 9MiB", ":2:1: `memory` is given twice"),
        ("listen: {a: b}", ":1:9: listen: expected a list, as [a, b]"),
        ("listen: here", ":1:9: listen[0]: `here` is no address such as 127.0.0.1:8080"),
        ("tls: {}", ":1:1: tls: there is no such key"),
        ("listen: [nowhere]", ":1:10: listen[0]: `nowhere` is no address such as 127.0.0.1:8080"),
        (
            "admin: {listen: ['/run/aqs']}",
            ":1:18: admin.listen[0]: `/run/aqs` is no address such as 127.0.0.1:8081 or unix:/run/aqs/admin",
        ),
        (
            "protected_countries: [NO, Norway]",
            ":1:27: protected_countries[1]: `Norway` is no country code of two letters, such as VE",
        ),
        ("log: debug", ":1:6: log: expected keys with values"),
        (
            "state: ''\nstore: {path: ''}",
            ":1:8: state: it is empty; say . for the current directory, or leave the key out\n\
             :2:15: store.path: it is empty; say . for the current directory, or leave the key out",
        ),
        ("public_metrics: 1", ":1:17: public_metrics: `1` is neither true nor false"),
        ("a: *a", ":1:4: while parsing node, found unknown anchor"),
        ("log: {access: some}", ":1:15: log.access: `some` is none of off, sampled and full"),
        (
            "log: {trusted_proxies: [10.0.0.0/33]}",
            ":1:25: log.trusted_proxies[0]: `10.0.0.0/33` is no network such as 10.0.0.0/8, and no address",
        ),
        (
            "log_level: loud",
            ":1:12: log_level: Unsupported log level: loud; it can be debug, info, warning, error or fatal",
        ),
        (
            "cassandra: {consistency: most}",
            ":1:26: cassandra.consistency: Unsupported consistency level: most; it can be any, one, two, three, quorum, all, localquorum, eachquorum or localone",
        ),
        (
            "memory: 8MiB\ncassandra:\n  # hosts: [aqs1010-a.eqiad.wmnet]\n",
            ":2:10: cassandra: the section is empty; remove it, or write `cassandra: {}` for a cluster with the defaults",
        ),
        ("cassandra: {port: 0}", ":1:19: cassandra.port: 0 is out of range: 1 to 65535"),
        ("a: b\n---\nc: d", ":2:1: a second document begins; one is read"),
        ("refreshes: 1\n---\nc: d", ":2:1: a second document begins; one is read"),
    ] {
        let expected: Vec<_> = refusal.lines().map(|line| format!("f{line}")).collect();
        assert_eq!(read(file).unwrap_err(), expected.join("\n"), "{file}");
    }
    let error = from_bytes(Path::new("f"), b"\xff").unwrap_err().to_string();
    assert_eq!(error, "f: not UTF-8");
    let error = loaded("lisen: []", &[], "").unwrap_err().to_string();
    assert!(
        error.ends_with("aqs.yaml:1:1: lisen: there is no such key; the nearest is `listen`"),
        "{error}"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let file = "limits: {haed: 1s, idle: soon}\nlisten: [here, there]\nmemory: 1KiB\nlog: debug\n";
    let variables = [("AQS_STATE", "s"), ("AQS_LOG_FORMAT", "xml")];
    let error = loaded(file, &variables, "--memory much").unwrap_err().to_string();
    let lines: Vec<_> = error.lines().map(|line| line.rsplit("aqs.yaml").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            ":1:10: limits.haed: there is no such key; the nearest is `head`",
            ":1:26: limits.idle: `soon` is no duration such as 250ms, 300s, 5m or 24h",
            ":2:10: listen[0]: `here` is no address such as 127.0.0.1:8080",
            ":4:6: log: expected keys with values",
            "--memory: `much` is no size such as 16KiB or 2GiB",
        ]
    );
    let error =
        loaded("listen: []\nadmin: {hosts: [a/b, 'c:1']}", &[], "").unwrap_err().to_string();
    let keys: Vec<_> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(keys, ["listen", "admin.hosts", "admin.hosts"]);
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (file, refusal) in [
        (
            "freshness: {data: {fresh: 2h}}",
            "freshness.data: fresh 2h, revalidate 1h, usable 24h: none may be less than the one before",
        ),
        (
            "limits: {head_bytes: 1KiB}",
            "limits.head_bytes: 1KiB are less than limits.request_line, 8KiB, which is a part of it",
        ),
        (
            "log: {client_address: forwarded}",
            "log.trusted_proxies: it is empty, so that no X-Forwarded-For would be trusted",
        ),
        ("listen: []", "listen: it is empty, so that no client could be served"),
        (
            "listen: ['127.0.0.1:8081']",
            "admin.listen: 127.0.0.1:8081 is used twice: each listener needs an address of its own",
        ),
        (
            "listen: ['127.0.0.1:1', '127.0.0.1:1']",
            "listen: 127.0.0.1:1 is used twice: each listener needs an address of its own",
        ),
        (
            "listen_address: ''\nlisten_port: 8081",
            "admin.listen: 127.0.0.1:8081 and 0.0.0.0:8081 exclude each other",
        ),
        (
            "admin: {listen: ['unix:/a', 'unix:/a']}",
            "admin.listen: unix:/a is used twice: each listener needs an address of its own",
        ),
        (
            "listen_address: a.example",
            "listen_address: `a.example` is no IP address, nor localhost",
        ),
    ] {
        assert_eq!(loaded(file, &[], "").unwrap_err().to_string(), refusal);
    }
    for file in [
        "listen: ['127.0.0.1:0', '127.0.0.1:0']",
        "listen: ['0.0.0.0:1', '[::]:1', '127.0.0.1:2']",
        "druid: {host: ''}",
    ] {
        let fault = loaded(file, &[], "").err();
        assert!(fault.is_none(), "{file}: {fault:?}");
    }
    for host in [
        "aqs.internal:8081",
        "[fd00::5]:8081",
        "http://aqs.internal",
        "aqs.internal/",
        "fd00::5",
        "",
        "aqs internal",
        "[aqs]",
        "*.internal",
    ] {
        let error = loaded(&format!("admin: {{hosts: ['{host}']}}"), &[], "").unwrap_err();
        let refusal = format!("admin.hosts: `{host}` is no name and no address such as");
        assert!(error.to_string().starts_with(&refusal), "{error}");
    }
    let hosts = "admin: {hosts: [aqs.internal, a_b-1, 10.0.0.5, '[fd00::5]']}";
    assert!(loaded(hosts, &[], "").is_ok());
    let error = loaded("log: {filter: 'a=b=c'}", &[], "").unwrap_err().to_string();
    assert!(error.contains("aqs.yaml:1:15: log.filter: `a=b=c` is no filter: "), "{error}");
}

#[test]
fn variables_and_flags_are_refused_by_their_names() {
    for (name, value, refusal) in [
        ("AQS_MEMORY", "much", "AQS_MEMORY: `much` is no size such as 16KiB or 2GiB"),
        (
            "AQS_ADMIN_LISTEN",
            "127.0.0.1:1,here",
            "AQS_ADMIN_LISTEN: `here` is no address such as 127.0.0.1:8081 or unix:/run/aqs/admin",
        ),
        ("AQS_LISTEN", "here", "AQS_LISTEN: `here` is no address such as 127.0.0.1:8080"),
    ] {
        assert_eq!(loaded("", &[(name, value)], "").unwrap_err().to_string(), refusal);
    }
    for (flags, refusal) in [
        ("--memory 1MiB", "--memory: 1MiB is out of range: 8MiB to 1PiB"),
        ("--memory much", "--memory: `much` is no size such as 16KiB or 2GiB"),
        ("--listen here", "--listen: `here` is no address such as 127.0.0.1:8080"),
        (
            "--admin-listen 127.0.0.1:1 --admin-listen here",
            "--admin-listen: `here` is no address such as 127.0.0.1:8081 or unix:/run/aqs/admin",
        ),
        ("--state=", "--state: it is empty; say . for the current directory, or leave the key out"),
    ] {
        assert_eq!(loaded("", &[], flags).unwrap_err().to_string(), refusal);
    }
    let error = loaded("", &[("AQS_LOG", "inof")], "").unwrap_err().to_string();
    assert!(error.starts_with("AQS_LOG: `inof` is no level; "), "{error}");
    let error = loaded("log: {filter: inof}", &[], "").unwrap_err().to_string();
    assert!(error.contains("aqs.yaml:1:15: log.filter: `inof` is no level; "), "{error}");
}

#[test]
fn a_file_without_an_end_is_refused() {
    let flags = |path: &str| crate::config::ConfigArgs {
        config: Some(path.into()),
        ..crate::config::ConfigArgs::default()
    };
    let endless = load(&flags("/dev/zero"), &|_| None).unwrap_err().to_string();
    let refusal = "the configuration /dev/zero can't be read: it is longer than 1 MiB";
    assert!(endless.starts_with(refusal), "{endless}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aqs.yaml");
    // As long as may be.
    fs::write(&path, "#".repeat(1 << 20)).unwrap();
    assert!(load(&flags(path.to_str().unwrap()), &|_| None).is_ok());
}
