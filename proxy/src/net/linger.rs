//! Closing so that the client gets to read the last reply.

use pingora_core::protocols::Stream;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Half-closes, then reads what the client still sends, for a moment: closing with unread bytes
/// would reset the connection, and the client could lose the reply.
pub(super) async fn close(mut io: Stream, at_most: Duration) {
    let farewell = async {
        io.shutdown().await?;
        let mut waste = [0; 4096];
        while io.read(&mut waste).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Whether the client took part or not, the connection ends here.
    let _ = tokio::time::timeout(at_most, farewell).await;
}
