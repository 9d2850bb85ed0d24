//! A page for `man`, made from what `--help` tells.

use std::io::{self, Write};

use clap::{Arg, Command};
use roff::{Roff, bold, roman};

/// What every fragment begins with: `roff` defines a string for apostrophes.
const PREAMBLE_LINES: usize = 2;

/// A page for `man`.
pub struct Page {
    /// Its name, such as `wasmscope-report`.
    pub name: String,
    /// Its text, in the language of `man`.
    pub text: String,
}

impl Page {
    /// Makes the page of the command, and then those of its verbs.
    pub fn all(command: Command) -> io::Result<Vec<Self>> {
        let version = command.get_version().unwrap_or_default().to_owned();
        let mut command = command.disable_help_subcommand(true).subcommand_help_heading("VERBS");
        command = command.subcommand_value_name("VERB").mut_args(with_aliases);
        command.build();
        let name = command.get_name().to_owned();
        let verbs: Vec<_> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
        let names: Vec<_> = verbs.iter().map(|verb| format!("{name}-{}", verb.get_name())).collect();
        let others: Vec<_> = names.iter().map(String::as_str).collect();
        let mut pages = vec![Self::of(&name, command, &version, &others)?];
        for (verb, page_name) in verbs.into_iter().zip(&names) {
            pages.push(Self::of(page_name, verb.mut_args(with_aliases), &version, &[&name])?);
        }
        Ok(pages)
    }

    fn of(name: &str, command: Command, version: &str, see_also: &[&str]) -> io::Result<Self> {
        let after_help = command.get_after_long_help().or_else(|| command.get_after_help());
        let after_help = after_help.map(ToString::to_string).unwrap_or_default();
        let has_verbs = command.has_subcommands();
        let man = clap_mangen::Man::new(command);
        let mut text = Fragments::default();
        // The date is left out, so that the same version always gives the same page.
        let mut title = Roff::new();
        title.control("TH", [name.to_uppercase().as_str(), "1"]);
        let title = title.render();
        text.0.push_str(&format!("{} \"\" \"wasmscope {version}\" \"wasmscope\"\n", title.trim_end()));
        text.add(|out| man.render_name_section(out))?;
        text.add(|out| man.render_synopsis_section(out))?;
        text.add(|out| man.render_description_section(out))?;
        if has_verbs {
            text.add(|out| man.render_subcommands_section(out))?;
        }
        text.add(|out| man.render_options_section(out))?;
        text.add(|out| after(&after_help).to_writer(out))?;
        text.add(|out| pointing_to(see_also).to_writer(out))?;
        Ok(Self { name: name.to_owned(), text: text.0.replace("\n\n", "\n.sp\n") })
    }
}

/// Parts of a page, of which only the first begins with the preamble.
#[derive(Default)]
struct Fragments(String);

impl Fragments {
    fn add(&mut self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::new();
        render(&mut bytes)?;
        let fragment = String::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.extend(fragment.split_inclusive('\n').skip(PREAMBLE_LINES));
        Ok(())
    }
}

/// Lets the text of an option name its other spellings.
fn with_aliases(option: Arg) -> Arg {
    let aliases: Vec<_> =
        option.get_visible_aliases().unwrap_or_default().iter().map(|name| format!("--{name}")).collect();
    if aliases.is_empty() {
        return option;
    }
    let help = option.get_long_help().or_else(|| option.get_help()).map(ToString::to_string).unwrap_or_default();
    option.long_help(format!("{help}\n\nAlso spelled {}.", aliases.join(", ")))
}

/// Sets what stands below the options: prose, and sessions, which are indented by four spaces and shown as they stand.
fn after(help: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in help.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let paragraph = match (paragraph.strip_prefix("Examples:\n"), paragraph.strip_prefix("Exit code: ")) {
            (Some(first), _) => {
                roff.control("SH", ["EXAMPLES"]);
                first
            }
            (_, Some(code)) => {
                roff.control("SH", ["EXIT STATUS"]);
                code
            }
            _ => {
                roff.control("PP", []);
                paragraph
            }
        };
        let (session, prose): (Vec<_>, Vec<_>) = paragraph.lines().partition(|line| line.starts_with("    "));
        for line in prose {
            roff.text([roman(line.trim())]);
        }
        if !session.is_empty() {
            set_session(&session, &mut roff);
        }
    }
    roff
}

/// Sets what is typed and what is answered, line by line.
fn set_session(lines: &[&str], roff: &mut Roff) {
    roff.control("RS", ["4"]).control("nf", []);
    for line in lines.iter().filter_map(|line| line.get(4..)) {
        match line.strip_prefix("$ ") {
            Some(typed) => roff.text([roman("$ "), bold(typed)]),
            None => roff.text([roman(line)]),
        };
    }
    roff.control("fi", []).control("RE", []);
}

/// Names other pages.
fn pointing_to(pages: &[&str]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    for (number, page) in pages.iter().enumerate() {
        let comma = if number + 1 < pages.len() { "," } else { "" };
        roff.text([bold(*page), roman(format!("(1){comma}"))]);
    }
    roff
}
