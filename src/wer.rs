//! Word error rate: substitutions, insertions and deletions over the words of the reference.

/// Errors against a reference of `words` words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WordErrors {
    pub errors: usize,
    pub words: usize,
}

impl WordErrors {
    /// Levenshtein distance of the word sequences; case and punctuation do not count.
    pub fn between(reference: &str, heard: &str) -> Self {
        let reference = words(reference);
        let heard = words(heard);
        let mut row: Vec<usize> = (0..=heard.len()).collect();
        for (i, wanted) in reference.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, word) in heard.iter().enumerate() {
                let substituted = diagonal + usize::from(wanted != word);
                diagonal = row[j + 1];
                row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
            }
        }
        Self { errors: row[heard.len()], words: reference.len() }
    }

    /// Errors per word of the reference, in percent; may exceed 100. 0 for an empty reference without errors.
    pub fn percent(self) -> f64 {
        100.0 * self.errors as f64 / self.words.max(1) as f64
    }
}

impl std::ops::AddAssign for WordErrors {
    fn add_assign(&mut self, other: Self) {
        self.errors += other.errors;
        self.words += other.words;
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, heard: &str, errors: usize, words: usize) {
        assert_eq!(WordErrors::between(reference, heard), WordErrors { errors, words }, "{reference} / {heard}");
    }

    #[test]
    fn counts_each_kind_of_error() {
        check("Guten Tag, Frau Keller!", "guten tag frau keller", 0, 4);
        check("das ist gut", "das war gut", 1, 3);
        check("das ist gut", "das ist sehr gut", 1, 3);
        check("das ist gut", "das gut", 1, 3);
        check("", "etwas", 1, 0);
        check("eins zwei drei", "", 3, 3);
        check("a b c d", "b c d e", 2, 4);
    }
}
