//! A short list of texts: parameter values, partition keys.

use smallvec::SmallVec;

/// In bytes: few lists have to grow.
const TYPICAL_LENGTH: usize = 64;

/// Texts laid end to end in one string, addressed by position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextList {
    text: String,
    ends: SmallVec<[u32; 8]>,
}

impl Default for TextList {
    fn default() -> Self {
        Self { text: String::with_capacity(TYPICAL_LENGTH), ends: SmallVec::new() }
    }
}

impl TextList {
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        // Texts come from request heads and configuration, far below 4 GiB.
        self.ends.push(self.text.len() as u32);
    }

    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index {
            0 => 0,
            _ => *self.ends.get(index - 1)? as usize,
        };
        self.text.get(start..end)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> FromIterator<&'a str> for TextList {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut list = Self::default();
        for text in texts {
            list.push(text);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_texts_apart() {
        let list: TextList = ["en.wikipedia", "", "Café"].into_iter().collect();
        assert_eq!(list.get(0), Some("en.wikipedia"));
        assert_eq!(list.get(1), Some(""));
        assert_eq!(list.get(2), Some("Café"));
        assert_eq!(list.get(3), None);
        assert_eq!(list.iter().count(), 3);
    }
}
