//! Where panels stand: from left to right, then further down.

use serde_json::{Value, json};

/// How many columns Grafana has.
pub(super) const COLUMNS: u32 = 24;

/// The next free place.
#[derive(Debug, Default)]
pub(super) struct Grid {
    x: u32,
    y: u32,
    /// How high the panels of this line are.
    height: u32,
}

impl Grid {
    /// A place for a panel.
    pub(super) fn place(&mut self, width: u32, height: u32) -> Value {
        // Lines have panels of one height.
        if self.x + width > COLUMNS || (self.x > 0 && height != self.height) {
            self.end_line();
        }
        let place = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
        self.x += width;
        self.height = height;
        place
    }

    /// A line of its own, one high.
    pub(super) fn line(&mut self) -> Value {
        self.end_line();
        let place = self.place(COLUMNS, 1);
        self.end_line();
        place
    }

    fn end_line(&mut self) {
        self.y += self.height;
        (self.x, self.height) = (0, 0);
    }
}
