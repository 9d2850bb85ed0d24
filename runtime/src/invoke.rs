//! Calling one exported function with arguments from the command line, as `wasmtime run --invoke` does.

use wasmtime::{AsContext, AsContextMut, Func, Val, ValType};

use crate::Error;

/// Parses the arguments of a function from text.
///
/// # Errors
///
/// When there are too few, one is not a number of its type, or a type has no text form.
pub(crate) fn parse_arguments(
    store: impl AsContext,
    func: &Func,
    function: &str,
    arguments: &[String],
) -> Result<Vec<Val>, Error> {
    let wrong = |reason: String| Error::Argument { function: function.to_owned(), reason };
    let mut arguments = arguments.iter();
    let ty = func.ty(store);
    let values = ty.params().map(|ty| {
        let text = arguments.next().ok_or_else(|| wrong("not enough arguments".to_owned()))?;
        parse(&ty, text).map_err(|reason| wrong(format!("argument {text:?}: {reason}")))
    });
    values.collect()
}

fn parse(ty: &ValType, text: &str) -> Result<Val, String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let integer = |error: std::num::ParseIntError| error.to_string();
    let float = |error: std::num::ParseFloatError| error.to_string();
    Ok(match (ty, hex) {
        (ValType::I32, Some(hex)) => Val::I32(i32::from_str_radix(hex, 16).map_err(integer)?),
        (ValType::I32, None) => Val::I32(text.parse().map_err(integer)?),
        (ValType::I64, Some(hex)) => Val::I64(i64::from_str_radix(hex, 16).map_err(integer)?),
        (ValType::I64, None) => Val::I64(text.parse().map_err(integer)?),
        (ValType::F32, _) => Val::F32(text.parse::<f32>().map_err(float)?.to_bits()),
        (ValType::F64, _) => Val::F64(text.parse::<f64>().map_err(float)?.to_bits()),
        (other, _) => return Err(format!("a value of type {other} cannot be given as text")),
    })
}

/// Calls a function, and returns its results as text, one a line.
pub(crate) fn call(mut store: impl AsContextMut, func: &Func, arguments: &[Val]) -> wasmtime::Result<Vec<String>> {
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    func.call(&mut store, arguments, &mut results)?;
    Ok(results.iter().map(text_of).collect())
}

fn text_of(value: &Val) -> String {
    match value {
        Val::I32(number) => number.to_string(),
        Val::I64(number) => number.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(bits) => bits.as_u128().to_string(),
        Val::FuncRef(reference) => of_reference("funcref", reference.is_none()),
        Val::ExternRef(reference) => of_reference("externref", reference.is_none()),
        Val::AnyRef(reference) => of_reference("anyref", reference.is_none()),
        Val::ExnRef(reference) => of_reference("exnref", reference.is_none()),
        Val::ContRef(reference) => of_reference("contref", reference.is_none()),
    }
}

fn of_reference(kind: &str, null: bool) -> String {
    if null { format!("<null {kind}>") } else { format!("<{kind}>") }
}
