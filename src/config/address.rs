//! Which addresses may carry what callers said, or keys.

/// Whether nobody on the way can read or change what goes to this address: `https`, or this machine.
pub fn is_private(url: &str) -> bool {
    let local = |host: &str| {
        let rest = url.strip_prefix("http://").and_then(|rest| rest.strip_prefix(host));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
    };
    url.starts_with("https://") || ["127.0.0.1", "[::1]", "localhost"].into_iter().any(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_private() {
        for url in ["https://x.example", "http://127.0.0.1:9/a", "http://localhost/", "http://[::1]:8080/x"] {
            assert!(is_private(url), "{url}");
        }
        for url in ["http://x.example", "http://127.0.0.1.evil.example/", "http://localhosts/", "ws://127.0.0.1", ""] {
            assert!(!is_private(url), "{url}");
        }
    }
}
