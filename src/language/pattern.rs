//! The pattern language of the cue files: a line of words to a program for [`super::matcher`].
//!
//! | written | matches |
//! |---|---|
//! | `kündige` | that word, in any of its spellings |
//! | `kündig*`, `*anwalt`, `*anwalt*` | a word that begins, ends with, or holds it |
//! | `schlecht+` | the word with any ending (`schlechte`, `schlechtesten`) |
//! | `ich/wir/man` | one of the words |
//! | `(zum anwalt\|vor gericht)` | one of the sequences; inside brackets `/` is the same as `\|` |
//! | `[doch mal]` | the sequence or nothing |
//! | `{name}` | a class of the language's files |
//! | `_` `#` `##` | any word, a number, a number with a full stop |
//! | `<caps>` | a word shouted in capitals |
//! | `..` `..6` | up to 3 (6) words of the same sentence |
//! | `^` `$` | start of a sentence, its end |
//! | `$?` `$!!` | its end with a question mark, with two or more exclamation marks |
//! | `!word` `!(a b)` | what follows is not that |
//!
//! Particles ("halt", "eben", "doch") are skipped between two words of a pattern unless it names them.

use std::collections::BTreeMap;

use super::normalize::Spelling;

/// What one word must look like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    Any,
    Number,
    Ordinal,
    /// Shouted in capitals.
    Caps,
    Word(String),
    Prefix(String),
    Suffix(String),
    Infix(String),
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// One word that is one of these.
    Set(Vec<Atom>),
    Seq(Vec<Node>),
    Alt(Vec<Node>),
    Opt(Box<Node>),
    Gap(u8),
    Start,
    End,
    EndQuestion,
    EndBangs,
    Not(Box<Node>),
}

/// Named parts of patterns.
pub type Classes = BTreeMap<String, Node>;

/// Endings of a word written with `+`: adjectives and verbs in one list, since a wrong combination is never said.
const ENDINGS: &[&str] = &[
    "", "e", "en", "er", "es", "em", "s", "n", "t", "st", "te", "ten", "ter", "tes", "ere", "eren", "erer", "eres",
    "este", "esten", "ste", "sten",
];

/// Reads a pattern; the error says what is wrong with it.
pub fn parse(text: &str, spelling: &Spelling, classes: &Classes) -> Result<Node, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut parser = Parser { chars: &chars, at: 0, depth: 0, spelling, classes };
    let node = parser.sequence(None)?;
    if node == Node::Seq(Vec::new()) {
        return Err("the pattern is empty".to_owned());
    }
    Ok(node)
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    /// Open brackets: inside them `/` separates sequences like `|`.
    depth: usize,
    spelling: &'a Spelling,
    classes: &'a Classes,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Items until the end of the text, or until `|` or the closing bracket, which stays unread.
    fn sequence(&mut self, close: Option<char>) -> Result<Node, String> {
        let mut items = Vec::new();
        loop {
            match self.peek() {
                None if close.is_none() => break,
                None => return Err(format!("a closing {} is missing", close.unwrap_or(')'))),
                Some(c) if c.is_whitespace() => self.at += 1,
                Some('|' | '/') if close.is_some() => break,
                Some(c) if Some(c) == close => break,
                Some(_) => items.push(self.item()?),
            }
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Node::Seq(items) })
    }

    /// From the opening bracket to behind the closing one.
    fn alternatives(&mut self, close: char) -> Result<Node, String> {
        self.at += 1;
        self.depth += 1;
        let mut branches = vec![self.sequence(Some(close))?];
        while matches!(self.peek(), Some('|' | '/')) {
            self.at += 1;
            branches.push(self.sequence(Some(close))?);
        }
        self.at += 1;
        self.depth -= 1;
        if branches.iter().any(|branch| *branch == Node::Seq(Vec::new())) {
            return Err("an alternative is empty: use [ ] for what may be missing".to_owned());
        }
        Ok(merge(branches))
    }

    fn item(&mut self) -> Result<Node, String> {
        match self.peek() {
            Some('(') => self.alternatives(')'),
            Some('[') => Ok(Node::Opt(Box::new(self.alternatives(']')?))),
            Some('!') => {
                self.at += 1;
                Ok(Node::Not(Box::new(self.item()?)))
            }
            Some('^') => {
                self.at += 1;
                Ok(Node::Start)
            }
            Some('$') => {
                self.at += 1;
                if self.peek() == Some('?') {
                    self.at += 1;
                    return Ok(Node::EndQuestion);
                }
                if self.chars[self.at..].starts_with(&['!', '!']) {
                    self.at += 2;
                    return Ok(Node::EndBangs);
                }
                Ok(Node::End)
            }
            Some('.') => self.gap(),
            Some(')' | ']' | '|' | '}') => Err(format!("{} without its opening bracket", self.chars[self.at])),
            _ => self.words(),
        }
    }

    fn gap(&mut self) -> Result<Node, String> {
        let from = self.at;
        while self.peek() == Some('.') {
            self.at += 1;
        }
        if self.at - from != 2 {
            return Err("a gap is written with two dots: .. or ..6".to_owned());
        }
        let digits: String = self.chars[self.at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        self.at += digits.len();
        match digits.parse::<u8>() {
            Ok(most) if (1..=12).contains(&most) => Ok(Node::Gap(most)),
            Err(_) if digits.is_empty() => Ok(Node::Gap(3)),
            _ => Err(format!("a gap spans 1 to 12 words, not {digits}")),
        }
    }

    /// `a/b/{c}`: one word or class out of several.
    fn words(&mut self) -> Result<Node, String> {
        let mut branches = vec![self.word()?];
        while self.depth == 0 && self.peek() == Some('/') {
            self.at += 1;
            branches.push(self.word()?);
        }
        Ok(merge(branches))
    }

    fn word(&mut self) -> Result<Node, String> {
        if self.peek() == Some('<') {
            let name: String = self.chars[self.at + 1..].iter().take_while(|&&c| c != '>').collect();
            self.at += name.chars().count() + 1;
            if self.peek() != Some('>') {
                return Err("a closing > is missing".to_owned());
            }
            self.at += 1;
            return match name.as_str() {
                "caps" => Ok(Node::Set(vec![Atom::Caps])),
                _ => Err(format!("there is no <{name}>: only <caps> is known")),
            };
        }
        if self.peek() == Some('{') {
            self.at += 1;
            let name: String = self.chars[self.at..].iter().take_while(|&&c| c != '}').collect();
            self.at += name.chars().count() + 1;
            return self.classes.get(name.trim()).cloned().ok_or_else(|| format!("there is no class {{{name}}}"));
        }
        let word: String = self.chars[self.at..]
            .iter()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '*' | '+' | '_' | '#' | '\'' | '’'))
            .collect();
        if word.is_empty() {
            return Err(format!("{} has no meaning here", self.peek().unwrap_or(' ')));
        }
        self.at += word.chars().count();
        self.atom(&word)
    }

    fn atom(&self, word: &str) -> Result<Node, String> {
        match word {
            "_" => return Ok(Node::Set(vec![Atom::Any])),
            "#" => return Ok(Node::Set(vec![Atom::Number])),
            "##" => return Ok(Node::Set(vec![Atom::Ordinal])),
            _ => {}
        }
        let stem = super::normalize::fold(word.trim_matches(|c| c == '*' || c == '+'));
        if stem.is_empty() {
            return Err(format!("{word} has no letters"));
        }
        if word.ends_with('+') {
            return Ok(Node::Set(ENDINGS.iter().map(|ending| Atom::Word(format!("{stem}{ending}"))).collect()));
        }
        let wild = (word.starts_with('*'), word.ends_with('*'));
        if (wild.0 || wild.1) && stem.len() < 3 {
            return Err(format!("{word} is too short: three letters at least beside a *"));
        }
        Ok(match wild {
            (true, true) => Node::Set(vec![Atom::Infix(stem)]),
            (true, false) => Node::Set(vec![Atom::Suffix(stem)]),
            (false, true) => Node::Set(vec![Atom::Prefix(stem)]),
            (false, false) => {
                let mut parts: Vec<Node> =
                    self.spelling.common(word).into_iter().map(|part| Node::Set(vec![Atom::Word(part)])).collect();
                if parts.len() == 1 { parts.remove(0) } else { Node::Seq(parts) }
            }
        })
    }
}

/// Alternatives as one node; a set if all are sets of single words.
pub fn merge(mut branches: Vec<Node>) -> Node {
    if branches.len() == 1 {
        return branches.remove(0);
    }
    let mut atoms = Vec::new();
    let mut others = Vec::new();
    for branch in branches {
        match branch {
            Node::Set(set) => atoms.extend(set),
            Node::Alt(inner) => others.extend(inner),
            other => others.push(other),
        }
    }
    if !atoms.is_empty() {
        atoms.sort();
        atoms.dedup();
        others.push(Node::Set(atoms));
    }
    if others.len() == 1 { others.remove(0) } else { Node::Alt(others) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, problem: Option<&str>) {
        let result = parse(text, &Spelling::default(), &Classes::new());
        match (result, problem) {
            (Ok(_), None) => {}
            (Err(message), Some(expected)) => assert!(message.contains(expected), "{text}: {message}"),
            (result, _) => panic!("{text}: {result:?}"),
        }
    }

    #[test]
    fn patterns_are_read_or_refused_with_a_reason() {
        check("ich/wir ..4 kündig* [doch (a b|c)] $?", None);
        check("!nicht ^ schlecht+ # ## _ <caps>/laut $!!", None);
        check("<loud>", Some("no <loud>"));
        check("<caps", Some("closing >"));
        check("", Some("empty"));
        check("(a|b", Some("closing )"));
        check("a ]", Some("without its opening"));
        check("{nobody}", Some("no class {nobody}"));
        check("ab*", Some("too short"));
        check("a ... b", Some("two dots"));
        check("..40", Some("1 to 12"));
        check("(a|)", Some("empty"));
    }

    #[test]
    fn alternatives_of_words_are_one_set() {
        let node = parse("(a|b/c|d)", &Spelling::default(), &Classes::new());
        let words = ["a", "b", "c", "d"].map(|word| Atom::Word(word.to_owned())).to_vec();
        assert_eq!(node, Ok(Node::Set(words)));
    }
}
