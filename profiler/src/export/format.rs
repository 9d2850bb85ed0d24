//! The formats that a recording can be written in.

use std::mem::discriminant;
use std::path::Path;

use super::{ExportError, FlameLayout};

/// A format that a recording can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputFormat {
    /// Gzipped pprof with our extension: `.pb.gz`.
    Pprof,
    /// A flame graph: `.svg`.
    Svg(FlameLayout),
    /// A page with everything, for browsers: `.html`.
    Html,
    /// Folded stacks: `.folded`.
    Folded,
    /// For the Firefox Profiler: `.firefox.json`.
    Firefox,
    /// For speedscope: `.speedscope.json`.
    Speedscope,
    /// Chrome's trace events, for Perfetto: `.perfetto.json` or `.trace.json`.
    Perfetto,
}

/// The ends of file names. JSON may have `.gz` after them.
const ENDINGS: [(&str, OutputFormat); 8] = [
    (".pb.gz", OutputFormat::Pprof),
    (".html", OutputFormat::Html),
    (".svg", OutputFormat::Svg(FlameLayout::Flame)),
    (".folded", OutputFormat::Folded),
    (".firefox.json", OutputFormat::Firefox),
    (".speedscope.json", OutputFormat::Speedscope),
    (".perfetto.json", OutputFormat::Perfetto),
    (".trace.json", OutputFormat::Perfetto),
];

/// The names that the command line uses.
const NAMES: [(&str, OutputFormat); 9] = [
    ("pprof", OutputFormat::Pprof),
    ("flame", OutputFormat::Svg(FlameLayout::Flame)),
    ("icicle", OutputFormat::Svg(FlameLayout::Icicle)),
    ("reversed", OutputFormat::Svg(FlameLayout::Reversed)),
    ("html", OutputFormat::Html),
    ("folded", OutputFormat::Folded),
    ("firefox", OutputFormat::Firefox),
    ("speedscope", OutputFormat::Speedscope),
    ("perfetto", OutputFormat::Perfetto),
];

impl OutputFormat {
    /// Tells the format by the end of a file name.
    ///
    /// # Errors
    ///
    /// [`ExportError::WhichJson`] for `.json` alone, [`ExportError::UnknownFormat`] for any other end.
    pub fn of_path(path: &Path) -> Result<Self, ExportError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ends = |name: &str| ENDINGS.into_iter().find(|(ending, _)| name.ends_with(ending));
        let json = name.strip_suffix(".gz").unwrap_or(&name);
        let found = ends(&name).or_else(|| ends(json).filter(|(_, format)| format.is_json()));
        match found {
            Some((_, format)) => Ok(format),
            None if json.ends_with(".json") => Err(ExportError::WhichJson { path: path.to_owned() }),
            None => Err(ExportError::UnknownFormat { path: path.to_owned() }),
        }
    }

    /// Returns the names of all formats, each with its format.
    pub fn names() -> impl Iterator<Item = (&'static str, OutputFormat)> {
        NAMES.into_iter()
    }

    /// Finds a format by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, format)| format)
    }

    /// Tells whether both are the same but for their layout.
    pub fn is_kind_of(self, other: Self) -> bool {
        discriminant(&self) == discriminant(&other)
    }

    /// Tells whether files of the format are JSON, which may be compressed.
    pub fn is_json(self) -> bool {
        matches!(self, Self::Firefox | Self::Speedscope | Self::Perfetto)
    }
}

/// Lists the ends of file names: `.a, .b or .c`.
pub(super) fn endings() -> String {
    let [all @ .., last] = ENDINGS.map(|(ending, _)| ending);
    format!("{} or {last}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Result<OutputFormat, String> {
        OutputFormat::of_path(Path::new(name)).map_err(|error| error.to_string())
    }

    #[test]
    fn names_tell_the_format_by_their_end_and_json_alone_does_not() {
        assert_eq!(of("a/b.pb.gz"), Ok(OutputFormat::Pprof));
        assert_eq!(of("b.firefox.json"), Ok(OutputFormat::Firefox));
        assert_eq!(of("b.firefox.json.gz"), Ok(OutputFormat::Firefox));
        assert_eq!(of("b.html"), Ok(OutputFormat::Html));
        assert_eq!(of("b.trace.json"), Ok(OutputFormat::Perfetto));
        let which = "three formats are JSON; end its name in .firefox.json, .speedscope.json or .perfetto.json, or choose \
                     one with --format";
        assert_eq!(of("b.json"), Err(format!("b.json: {which}")));
        assert_eq!(of("b.json.gz"), Err(format!("b.json.gz: {which}")));
        let ends = ".pb.gz, .html, .svg, .folded, .firefox.json, .speedscope.json, .perfetto.json or .trace.json";
        for name in ["b.svg.gz", "b.txt", "json", ".."] {
            assert_eq!(of(name), Err(format!("{name}: a file name must end in {ends}")));
        }
    }

    #[test]
    fn every_name_finds_its_format() {
        assert!(OutputFormat::names().all(|(name, format)| OutputFormat::from_name(name) == Some(format)));
        assert_eq!(OutputFormat::from_name("png"), None);
    }
}
