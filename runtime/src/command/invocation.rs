//! Calling a function with arguments from a command line, as `wasmtime run --invoke` does.

use std::str::FromStr;

use wasmscope_profiler::export::sanitized;
use wasmtime::{FuncType, Val, ValType};

use crate::Error;

/// Parses arguments by the types of the parameters; more arguments than parameters are left alone.
pub(crate) fn arguments(function: &str, ty: &FuncType, args: &[String]) -> Result<Vec<Val>, Error> {
    let wrong = |reason: String| Error::Arguments { function: sanitized(function).into_owned(), reason };
    let takes = match ty.params().len() {
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    };
    let mut args = args.iter();
    let values = (1..).zip(ty.params()).map(|(number, ty)| {
        let arg = args.next().ok_or_else(|| wrong(format!("it takes {takes}, and number {number} is missing")))?;
        value(&ty, arg).map_err(|reason| wrong(format!("argument {number}, {}, {reason}", sanitized(arg))))
    });
    values.collect()
}

fn value(ty: &ValType, arg: &str) -> Result<Val, String> {
    let hex = arg.strip_prefix("0x").or_else(|| arg.strip_prefix("0X"));
    match (ty, hex) {
        (ValType::I32, Some(digits)) => i32::from_str_radix(digits, 16).map(Val::I32).map_err(|_| is_not("i32")),
        (ValType::I64, Some(digits)) => i64::from_str_radix(digits, 16).map(Val::I64).map_err(|_| is_not("i64")),
        (ValType::I32, None) => parse(arg, "i32").map(Val::I32),
        (ValType::I64, None) => parse(arg, "i64").map(Val::I64),
        (ValType::F32, _) => parse::<f32>(arg, "f32").map(|value| Val::F32(value.to_bits())),
        (ValType::F64, _) => parse::<f64>(arg, "f64").map(|value| Val::F64(value.to_bits())),
        (other, _) => Err(format!("would be of type {other}, which cannot be written on a command line")),
    }
}

fn parse<T: FromStr>(arg: &str, name: &str) -> Result<T, String> {
    arg.parse().map_err(|_| is_not(name))
}

fn is_not(name: &str) -> String {
    format!("is not an {name}")
}

/// Prints a result as wasmtime prints it.
pub(crate) fn printed(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(value) => value.as_u128().to_string(),
        Val::FuncRef(reference) => reference_printed("funcref", reference.is_none()),
        Val::ExternRef(reference) => reference_printed("externref", reference.is_none()),
        Val::AnyRef(reference) => reference_printed("anyref", reference.is_none()),
        Val::ExnRef(reference) => reference_printed("exnref", reference.is_none()),
        Val::ContRef(reference) => reference_printed("contref", reference.is_none()),
    }
}

fn reference_printed(name: &str, null: bool) -> String {
    if null { format!("<null {name}>") } else { format!("<{name}>") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_wasmtime_prints_them() {
        assert_eq!(printed(&Val::F32(1.5_f32.to_bits())), "1.5");
        assert_eq!(printed(&Val::I64(-3)), "-3");
        assert_eq!(printed(&Val::V128(7.into())), "7");
        assert_eq!(printed(&Val::FuncRef(None)), "<null funcref>");
    }

    #[test]
    fn numbers_may_be_hexadecimal_and_nonsense_is_named() {
        assert!(matches!(value(&ValType::I32, "0x10"), Ok(Val::I32(16))));
        assert!(matches!(value(&ValType::I64, "-7"), Ok(Val::I64(-7))));
        assert_eq!(value(&ValType::I32, "4294967296").unwrap_err(), "is not an i32");
    }
}
