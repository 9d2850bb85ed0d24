//! The document of the format agrees with the tags in the code.

use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../docs/recording-format.md");
const SOURCE: &str = include_str!("../../src/export/pprof/extension.rs");
const MESSAGES: &str = include_str!("../../src/export/pprof/messages.rs");

/// Message, kind of field as prost calls it, name, number.
type Field = (String, String, String, String);

fn documented() -> BTreeSet<Field> {
    let schema = DOCUMENT.split("```").find_map(|block| block.strip_prefix("proto\n")).unwrap();
    let mut message = "";
    let mut fields = BTreeSet::new();
    for line in schema.lines() {
        let words: Vec<&str> = line.split("//").next().unwrap().split_whitespace().collect();
        match words[..] {
            ["message", name, "{"] => message = name,
            [.., "=", number] => {
                let (name, mut kind) = (words[words.len() - 3], words[..words.len() - 3].to_vec());
                let last = kind.pop().unwrap();
                let scalar = ["uint32", "uint64", "bool", "string"].contains(&last);
                kind.insert(0, if scalar { last } else { "message" });
                let field = [message, &kind.join(" "), name, number.trim_end_matches(';')];
                fields.insert(field.map(str::to_owned).into());
            }
            _ => {}
        }
    }
    fields
}

fn coded() -> BTreeSet<Field> {
    let (mut message, mut attribute) = ("", None);
    let mut fields = BTreeSet::new();
    for line in SOURCE.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub(crate) struct ") {
            message = rest.trim_end_matches(" {");
        } else if let Some(rest) = line.strip_prefix("#[prost(") {
            attribute = rest.split_once(", tag = \"");
        } else if let (Some((kind, tag)), Some(rest)) = (attribute.take(), line.strip_prefix("pub ")) {
            let (name, number) = (rest.split(':').next().unwrap(), tag.trim_end_matches("\")]"));
            let field = [message, &kind.replace(',', ""), name, number];
            fields.insert(field.map(str::to_owned).into());
        }
    }
    fields
}

#[test]
fn every_field_of_the_extension_is_documented_with_its_number() {
    assert_eq!(documented(), coded());
    assert!(coded().len() > 20);
}

#[test]
fn the_number_of_the_extension_itself_is_documented() {
    assert!(MESSAGES.contains("#[prost(message, optional, tag = \"7317\")]\n    pub extension"));
    assert!(DOCUMENT.contains("field 7317"));
    assert!(DOCUMENT.contains(&format!("version {}", wasmscope_profiler::export::EXTENSION_VERSION)));
}
