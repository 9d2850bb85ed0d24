//! Keeping compiled machine code between runs, in the user's cache folder.

use std::path::PathBuf;

use wasmtime::{Cache, CacheConfig};

/// Opens the cache, or tells why there is none.
pub(crate) fn open_user_cache() -> Result<Cache, String> {
    let directory = user_cache_dir().ok_or("neither XDG_CACHE_HOME nor HOME names a folder")?;
    let mut config = CacheConfig::new();
    config.with_directory(directory.join("wasmscope").join("compiled"));
    Cache::new(config).map_err(|error| format!("{error:#}"))
}

fn user_cache_dir() -> Option<PathBuf> {
    let absolute = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}
