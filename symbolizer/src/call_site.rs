//! Which host function, or service of the runtime, an instruction calls.

use std::ops::Range;

use wasmparser::{BinaryReader, Operator, OperatorsReader};
use wasmscope_model::CodeOffset;

use crate::ModuleImage;

/// What an instruction calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Callee {
    /// A function of the module, by its index; imports come first.
    Function(u32),
    /// A function found at run time.
    Indirect,
    /// A service of the runtime, by the name of the instruction.
    Runtime(&'static str),
}

/// Lists the calling instructions of a function with their offsets, in order.
///
/// A body that cannot be decoded yields what comes before the bad instruction.
pub(crate) fn call_sites(image: &ModuleImage, body: Range<u32>) -> Vec<(CodeOffset, Callee)> {
    let mut sites = Vec::new();
    let Some(operators) = instructions(image, body) else {
        return sites;
    };
    for operator in OperatorsReader::new(operators).into_iter_with_offsets() {
        let Ok((operator, offset)) = operator else {
            break;
        };
        if let (Some(callee), Ok(offset)) = (callee(&operator), u32::try_from(offset)) {
            sites.push((CodeOffset::new(offset), callee));
        }
    }
    sites
}

/// Returns the instructions of a function, which follow the declarations of its locals.
pub(crate) fn instructions(image: &ModuleImage, body: Range<u32>) -> Option<BinaryReader<'_>> {
    let bytes = image.code_bytes(body.clone())?;
    let function = wasmparser::FunctionBody::new(BinaryReader::new(bytes, u64::from(body.start)));
    function.get_binary_reader_for_operators().ok()
}

fn callee(operator: &Operator<'_>) -> Option<Callee> {
    Some(match operator {
        Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
            Callee::Function(*function_index)
        }
        Operator::CallIndirect { .. }
        | Operator::ReturnCallIndirect { .. }
        | Operator::CallRef { .. }
        | Operator::ReturnCallRef { .. } => Callee::Indirect,
        Operator::MemoryGrow { .. } => Callee::Runtime("memory.grow"),
        Operator::MemoryCopy { .. } => Callee::Runtime("memory.copy"),
        Operator::MemoryFill { .. } => Callee::Runtime("memory.fill"),
        Operator::MemoryInit { .. } => Callee::Runtime("memory.init"),
        Operator::DataDrop { .. } => Callee::Runtime("data.drop"),
        Operator::TableGrow { .. } => Callee::Runtime("table.grow"),
        Operator::TableCopy { .. } => Callee::Runtime("table.copy"),
        Operator::TableFill { .. } => Callee::Runtime("table.fill"),
        Operator::TableInit { .. } => Callee::Runtime("table.init"),
        Operator::TableGet { .. } => Callee::Runtime("table.get"),
        Operator::TableSet { .. } => Callee::Runtime("table.set"),
        Operator::ElemDrop { .. } => Callee::Runtime("elem.drop"),
        Operator::RefFunc { .. } => Callee::Runtime("ref.func"),
        Operator::MemoryAtomicNotify { .. } => Callee::Runtime("memory.atomic.notify"),
        Operator::MemoryAtomicWait32 { .. } => Callee::Runtime("memory.atomic.wait32"),
        Operator::MemoryAtomicWait64 { .. } => Callee::Runtime("memory.atomic.wait64"),
        Operator::StructNew { .. } => Callee::Runtime("struct.new"),
        Operator::StructNewDefault { .. } => Callee::Runtime("struct.new_default"),
        Operator::ArrayNew { .. } => Callee::Runtime("array.new"),
        Operator::ArrayNewDefault { .. } => Callee::Runtime("array.new_default"),
        Operator::ArrayNewFixed { .. } => Callee::Runtime("array.new_fixed"),
        Operator::ArrayNewData { .. } => Callee::Runtime("array.new_data"),
        Operator::ArrayCopy { .. } => Callee::Runtime("array.copy"),
        Operator::Throw { .. } => Callee::Runtime("throw"),
        _ => return None,
    })
}
