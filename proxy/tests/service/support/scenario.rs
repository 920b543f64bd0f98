//! Sends scenarios over a socket.

use super::client::Client;
use aqs_scenarios::{Outcome, Scenario};
use std::net::SocketAddr;

/// Requests each target of scenarios twice over a real socket, so that the response from the store
/// and the one from the cache are compared.
pub(crate) async fn run<'a>(
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    address: SocketAddr,
    outcome: &mut Outcome,
) {
    let mut client = Client::connect(address).await;
    for scenario in scenarios {
        outcome.begin();
        for target in scenario.targets().flat_map(|target| [target, target]) {
            let response =
                client.request(scenario.method(), target.as_bytes(), &scenario.headers()).await;
            let mut differences = scenario.differences(response.status, &response.body);
            differences.extend(scenario.header_differences(|name| response.header(name)));
            outcome.add(scenario, target, &differences);
            // An answer before a close ends the connection; the next needs a new one.
            if response.header("connection") == Some("close") {
                client = Client::connect(address).await;
            }
        }
    }
}
