//! Where the upstream is.

/// An HTTP URL in the parts that a request is made of.
pub struct Url {
    pub https: bool,
    pub authority: String,
    pub path_with_query: String,
}

impl Url {
    /// The URL in the environment variable `UPSTREAM`, with a query added.
    pub fn of_upstream(environment: Vec<(String, String)>, query: &str) -> Result<Url, String> {
        let upstream = environment.into_iter().find(|(name, _)| name == "UPSTREAM");
        let (_, url) = upstream.ok_or("UPSTREAM is not set")?;
        let no_url = || format!("UPSTREAM is not an http or https URL: {url}");
        let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
        if !matches!(scheme, "http" | "https") {
            return Err(no_url());
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut path_with_query = format!("/{path}");
        if !query.is_empty() {
            path_with_query.push(if path.contains('?') { '&' } else { '?' });
            path_with_query.push_str(query);
        }
        Ok(Url { https: scheme == "https", authority: authority.to_string(), path_with_query })
    }
}
