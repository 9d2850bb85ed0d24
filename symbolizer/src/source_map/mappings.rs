//! The text of `mappings`: segments between commas, lines between semicolons.

use super::vlq;

/// A segment, with its numbers added up. They may be anything: what they mean is not checked here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    /// The line of the generated code, 0-based.
    pub(super) generated_line: u32,
    /// The column there, 0-based: an offset in the file.
    pub(super) generated_column: i64,
    /// `None` for a segment that only ends the one before.
    pub(super) original: Option<Original>,
}

/// The source position of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Original {
    /// An index in the list of sources.
    pub(super) source: i64,
    /// 0-based.
    pub(super) line: i64,
    /// 0-based.
    pub(super) column: i64,
}

/// The segments of a text, in its order. An error is the last: every number counts from the one before it, so nothing
/// behind a number that cannot be read means anything.
pub(super) struct Segments<'a> {
    rest: &'a [u8],
    line: u32,
    column: i64,
    original: Original,
}

/// There is something that is no segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

impl<'a> Segments<'a> {
    pub(super) fn of(mappings: &'a str) -> Self {
        Self { rest: mappings.as_bytes(), line: 0, column: 0, original: Original::default() }
    }

    fn segment(&mut self) -> Result<Segment, Broken> {
        let mut fields = [0i64; 5];
        let mut count = 0;
        while self.rest.first().is_some_and(|character| !matches!(character, b',' | b';')) {
            let (number, behind) = vlq::read(self.rest).ok_or(Broken)?;
            *fields.get_mut(count).ok_or(Broken)? = i64::from(number);
            count += 1;
            self.rest = behind;
        }
        let [column, source, line, original_column, _name] = fields;
        let has_source = match count {
            1 => false,
            // The fifth names a thing of the source; functions have their names elsewhere.
            4 | 5 => true,
            _ => return Err(Broken),
        };
        let add = |sum: i64, number: i64| sum.checked_add(number).ok_or(Broken);
        self.column = add(self.column, column)?;
        self.original = Original {
            source: add(self.original.source, source)?,
            line: add(self.original.line, line)?,
            column: add(self.original.column, original_column)?,
        };
        let original = has_source.then_some(self.original);
        Ok(Segment { generated_line: self.line, generated_column: self.column, original })
    }
}

impl Iterator for Segments<'_> {
    type Item = Result<Segment, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.rest.split_first()? {
                (b',', behind) => self.rest = behind,
                (b';', behind) => {
                    self.rest = behind;
                    self.line = self.line.saturating_add(1);
                    self.column = 0;
                }
                _ => break,
            }
        }
        let segment = self.segment();
        if segment.is_err() {
            self.rest = &[];
        }
        Some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Generated line and column; source, line and column.
    type Short = (u32, i64, Option<[i64; 3]>);

    fn read(mappings: &str) -> Vec<Result<Short, Broken>> {
        let short = |segment: Segment| {
            let original = segment.original.map(|Original { source, line, column }| [source, line, column]);
            (segment.generated_line, segment.generated_column, original)
        };
        Segments::of(mappings).map(|segment| segment.map(short)).collect()
    }

    #[test]
    fn each_number_counts_from_the_one_before() {
        assert_eq!(
            read("+FCkBS,EADkC,E,,GDAAC;AAAA"),
            [
                Ok((0, 95, Some([1, 18, 9]))),
                Ok((0, 97, Some([1, 17, 43]))),
                Ok((0, 99, None)),
                Ok((0, 102, Some([0, 17, 43]))),
                Ok((1, 0, Some([0, 17, 43]))),
            ]
        );
        assert_eq!(read(""), []);
        assert_eq!(read(",;;,"), []);
    }

    #[test]
    fn nothing_is_read_behind_what_is_no_segment() {
        for broken in ["CC", "CCC", "CCCCCC", "C!", "g", "C\u{e9}"] {
            assert_eq!(read(&format!("CAAA,{broken},CAAA")), [Ok((0, 1, Some([0, 0, 0]))), Err(Broken)], "{broken}");
        }
    }
}
