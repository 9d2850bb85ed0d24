//! The last words of a guest's program, among what it wrote to standard error.

/// Longer messages are cut.
const MAX_CHARS: usize = 400;

/// How a language's runtime begins to say why it gives up, and whether the reason stands on the line after.
const BEGINNINGS: [(&str, bool); 10] = [
    // Rust: thread 'main' (1) panicked at src/main.rs:2:5:
    (" panicked at ", true),
    ("memory allocation of ", false),
    // Go, and TinyGo.
    ("panic: ", false),
    ("fatal error: ", false),
    // C: Assertion failed: x > 0 (main.c: main: 7)
    ("Assertion failed: ", false),
    // C++: libc++abi: terminating due to uncaught exception
    ("libc++abi: ", false),
    // AssemblyScript: abort: out of range in main.ts(3:5)
    ("abort: ", false),
    // Zig: thread 1 panic: index out of bounds
    (" panic: ", false),
    // Python in a component.
    ("Fatal Python error: ", false),
    ("Uncaught exception: ", false),
];

/// Finds the last message with which a program says why it ends, in one line.
pub(crate) fn panic_message(stderr: &str) -> Option<String> {
    let lines: Vec<&str> = stderr.lines().map(str::trim_end).collect();
    let begins = |line: &str| BEGINNINGS.iter().find(|(beginning, _)| is_beginning(line, beginning)).copied();
    let (at, (_, goes_on)) = (0..lines.len()).rev().find_map(|at| Some((at, begins(lines[at])?)))?;
    let mut message = lines[at].trim().to_owned();
    if let Some(next) = lines.get(at + 1).filter(|next| goes_on && !next.is_empty() && !next.starts_with("note: ")) {
        message.push(' ');
        message.push_str(next.trim());
    }
    if let Some((end, _)) = message.char_indices().nth(MAX_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    Some(message)
}

/// Words with a space before them may stand within a line that begins with a thread's name.
fn is_beginning(line: &str, beginning: &str) -> bool {
    let is_within = beginning.starts_with(' ') && line.starts_with("thread ");
    line.starts_with(beginning) || is_within && line.contains(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_is_understood() {
        let cases = [
            (
                "loading\n\nthread 'main' (1) panicked at src/main.rs:2:5:\nno order 7\nnote: run with `RUST_BACKTRACE=1`\n",
                "thread 'main' (1) panicked at src/main.rs:2:5: no order 7",
            ),
            (
                "thread 'main' panicked at 'old', src/main.rs:2:5\nnote: run\n",
                "thread 'main' panicked at 'old', src/main.rs:2:5",
            ),
            (
                "panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\n",
                "panic: runtime error: index out of range [3]",
            ),
            ("Assertion failed: n > 0 (a.c: main: 7)\n", "Assertion failed: n > 0 (a.c: main: 7)"),
            ("abort: too long in main.ts(3:5)\n", "abort: too long in main.ts(3:5)"),
            ("thread 1 panic: index out of bounds\n", "thread 1 panic: index out of bounds"),
        ];
        for (stderr, expected) in cases {
            assert_eq!(panic_message(stderr).as_deref(), Some(expected));
        }
    }

    #[test]
    fn ordinary_words_are_no_last_words_and_the_last_of_several_counts() {
        assert_eq!(panic_message("do not panic: all is well\nthe engine panicked at noon\n"), None);
        assert_eq!(panic_message(""), None);
        let two = "panic: first\npanic: second [recovered]\n";
        assert_eq!(panic_message(two).as_deref(), Some("panic: second [recovered]"));
        let long = format!("panic: {}", "é".repeat(1000));
        assert_eq!(panic_message(&long).unwrap().chars().count(), MAX_CHARS + 1);
    }
}
