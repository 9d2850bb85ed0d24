//! Walks over stacks laid out by hand.

use super::*;
use crate::code_ranges::CodeRange;
use crate::record::Record;
use crate::ring::Ring;
use crate::store_context::StoreContext;
use std::cell::Cell;
use std::sync::atomic::AtomicU64;

/// A made-up stack: word `i` lies at the address `at(i)`; higher words are older.
struct Stack(Vec<usize>);

impl Stack {
    fn new(words: usize) -> Self {
        Self(vec![0; words])
    }

    fn at(&self, word: usize) -> usize {
        self.0.as_ptr() as usize + word * WORD
    }

    /// Puts a frame at `word`: the caller's frame pointer (a word too) and the return address.
    fn frame(&mut self, word: usize, caller: usize, return_address: usize) {
        self.0[word] = self.at(caller);
        self.0[word + 1] = return_address;
    }
}

/// Guest code that holds nothing but NOPs, so that no leaf fix-up applies.
static CODE: [u8; 256] = [0x90; 256];

fn code(offset: usize) -> usize {
    CODE.as_ptr() as usize + offset
}

fn walked(registers: Registers, activations: &Activations, max_depth: u16) -> (End, Vec<(FrameTag, usize)>) {
    let ranges = [CodeRange { start: code(0), end: code(CODE.len()) }];
    let memory: Vec<AtomicU64> = (0..256).map(|_| AtomicU64::new(0)).collect();
    let ring = Ring::new(&memory);
    let mut writer = ring.begin().unwrap();
    (0..8).try_for_each(|_| writer.push(0)).unwrap();
    let stack = StackSpan { low: 0, high: 0 };
    let ranges = CodeRanges::new(&ranges);
    let (end, count) = walk(&registers, activations, &ranges, stack, max_depth, &mut writer).unwrap();
    writer.commit(crate::record::header(end, count, 1));
    let mut words = Vec::new();
    ring.consume(|word| words.push(word));
    let (record, _) = Record::split_first(&words).unwrap().unwrap();
    (record.end, record.frames().map(|(tag, address)| (tag, address as usize)).collect())
}

/// Enters a store whose words hold `words` from then on.
fn enter(activations: &Activations, words: [usize; 3]) {
    let store: &'static [Cell<usize>; 3] = Box::leak(Box::default());
    // SAFETY: the words are leaked, so they stay readable, and no other thread uses them.
    let context = unsafe { StoreContext::new(store[0].as_ptr(), store[1].as_ptr(), store[2].as_ptr()) };
    activations.enter_at(Some(context), 1, words[2]);
    store.iter().zip(words).for_each(|(word, value)| word.set(value));
}

/// Frames at words 10, 20 and 30, where 30 is the entry trampoline's.
fn three_frames() -> (Stack, [usize; 3]) {
    let mut stack = Stack::new(64);
    stack.frame(10, 20, code(20));
    stack.frame(20, 30, code(30));
    stack.frame(30, 50, 0xdead_0000);
    let entry = stack.at(30);
    (stack, [0, 0, entry])
}

#[test]
fn a_walk_from_guest_code_ends_at_the_entry() {
    let (stack, words) = three_frames();
    let activations = Activations::default();
    enter(&activations, words);
    let registers = Registers { pc: code(10), sp: stack.at(5), fp: stack.at(10), is_in_handler: false };
    let expected =
        [(FrameTag::Interrupted, code(10)), (FrameTag::ReturnAddress, code(20)), (FrameTag::ReturnAddress, code(30))];
    assert_eq!(walked(registers, &activations, 99), (End::Entry, expected.to_vec()));
    assert_eq!(walked(registers, &activations, 2), (End::Truncated, expected[..2].to_vec()));
}

#[test]
fn host_code_is_resolved_through_the_last_exit_and_refused_when_that_is_stale() {
    let (mut stack, mut words) = three_frames();
    stack.frame(7, 20, code(25));
    words[0] = stack.at(7);
    words[1] = code(25);
    let activations = Activations::default();
    enter(&activations, words);
    let host = |sp: usize| Registers { pc: 0x1000, sp, fp: 0x77, is_in_handler: false };
    let expected = [(FrameTag::Host, 0x1000), (FrameTag::ReturnAddress, code(25)), (FrameTag::ReturnAddress, code(30))];
    assert_eq!(walked(host(stack.at(2)), &activations, 99), (End::Entry, expected.to_vec()));
    let no_guest = (End::NoGuest, vec![(FrameTag::Host, 0x1000)]);
    assert_eq!(walked(host(stack.at(8)), &activations, 99), no_guest, "below the exit");
    let of_trap = Registers { is_in_handler: true, ..host(stack.at(2)) };
    assert_eq!(walked(of_trap, &activations, 99), no_guest, "the guest has trapped, and the handler looks at it");
    // After the trap the host's frames lie where the guest's lay.
    stack.frame(7, 20, 0x2000);
    assert_eq!(walked(host(stack.at(2)), &activations, 99), no_guest, "the call has returned");
}

#[test]
fn an_inner_activation_is_linked_to_the_outer_one() {
    let (mut stack, mut outer) = three_frames();
    stack.frame(7, 20, code(25));
    outer[0] = stack.at(7);
    outer[1] = code(25);
    let activations = Activations::default();
    enter(&activations, outer);
    let inner = [0, 0, stack.at(4)];
    stack.frame(4, 4, 0xdead_0000);
    enter(&activations, inner);
    let registers = Registers { pc: code(1), sp: stack.at(1), fp: stack.at(4), is_in_handler: false };
    let expected = [
        (FrameTag::Interrupted, code(1)),
        (FrameTag::Reentry, 0),
        (FrameTag::ReturnAddress, code(25)),
        (FrameTag::ReturnAddress, code(30)),
    ];
    assert_eq!(walked(registers, &activations, 99), (End::Entry, expected.to_vec()));
}

#[test]
fn host_code_before_the_inner_entry_shows_the_outer_activation_once() {
    let (mut stack, words) = three_frames();
    stack.frame(7, 20, code(25));
    let entry = words[2];
    let store: &'static [Cell<usize>; 3] = Box::leak(Box::default());
    // SAFETY: the words are leaked, so they stay readable, and no other thread uses them.
    let context = unsafe { StoreContext::new(store[0].as_ptr(), store[1].as_ptr(), store[2].as_ptr()) };
    let activations = Activations::default();
    activations.enter_at(Some(context), 1, entry);
    store.iter().zip([stack.at(7), code(25), entry]).for_each(|(word, value)| word.set(value));
    // The same store is entered again, and has not stored its entry yet.
    activations.enter_at(Some(context), 1, entry);
    let expected = [
        (FrameTag::Host, 0x1000),
        (FrameTag::Reentry, 0),
        (FrameTag::ReturnAddress, code(25)),
        (FrameTag::ReturnAddress, code(30)),
    ];
    let registers = Registers { pc: 0x1000, sp: stack.at(2), fp: 0x77, is_in_handler: false };
    assert_eq!(walked(registers, &activations, 99), (End::Entry, expected.to_vec()));
}

#[test]
fn frame_pointers_that_leave_the_stack_or_turn_back_end_the_walk() {
    let (mut stack, words) = three_frames();
    let activations = Activations::default();
    enter(&activations, words);
    let at = |fp| Registers { pc: code(10), sp: 0, fp, is_in_handler: false };
    let leaf = (FrameTag::Interrupted, code(10));
    for wild in [0, 1, usize::MAX, usize::MAX - 7, stack.at(40), stack.at(32)] {
        let registers = Registers { sp: stack.at(5), ..at(wild) };
        assert_eq!(walked(registers, &activations, 99), (End::Broken, vec![leaf]), "{wild:#x}");
    }
    stack.frame(10, 10, code(20));
    let registers = Registers { sp: stack.at(5), ..at(stack.at(10)) };
    let (end, frames) = walked(registers, &activations, 99);
    assert_eq!((end, frames.len()), (End::Broken, 2));
}

#[test]
fn without_an_activation_guest_code_has_an_unknown_outside_and_host_code_no_guest() {
    let activations = Activations::default();
    let registers = |pc| Registers { pc, sp: 0x1000, fp: 0x1000, is_in_handler: false };
    assert_eq!(walked(registers(code(3)), &activations, 9).0, End::OuterUnknown);
    assert_eq!(walked(registers(0x1000), &activations, 9).0, End::NoGuest);
}

/// A store that is polled, whose words hold `words`.
fn polled(activations: &Activations, words: [usize; 3]) -> &'static [Cell<usize>; 3] {
    let store: &'static [Cell<usize>; 3] = Box::leak(Box::default());
    // SAFETY: the words are leaked, so they stay readable, and no other thread uses them.
    let context = unsafe { StoreContext::new(store[0].as_ptr(), store[1].as_ptr(), store[2].as_ptr()) };
    let _poll = activations.begin_poll(context, 7, &[]);
    store.iter().zip(words).for_each(|(word, value)| word.set(value));
    store
}

#[test]
fn a_polled_guest_is_walked_on_whatever_stack_it_runs() {
    let (stack, words) = three_frames();
    let activations = Activations::default();
    let store = polled(&activations, words);
    let registers = |pc| Registers { pc, sp: stack.at(5), fp: stack.at(10), is_in_handler: false };
    let expected =
        [(FrameTag::Interrupted, code(10)), (FrameTag::ReturnAddress, code(20)), (FrameTag::ReturnAddress, code(30))];
    assert_eq!(walked(registers(code(10)), &activations, 99), (End::Entry, expected.to_vec()));
    store.iter().for_each(|word| word.set(0));
    assert_eq!(walked(registers(0x1000), &activations, 99).0, End::NoGuest, "the guest is suspended");
}

#[test]
fn a_poll_inside_a_host_call_of_another_guest_is_linked_to_it() {
    let (mut outer_stack, mut outer) = three_frames();
    outer_stack.frame(7, 20, code(25));
    outer[0] = outer_stack.at(7);
    outer[1] = code(25);
    let activations = Activations::default();
    enter(&activations, outer);
    let (stack, words) = three_frames();
    polled(&activations, words);
    let registers = Registers { pc: code(10), sp: stack.at(5), fp: stack.at(10), is_in_handler: false };
    let expected = [
        (FrameTag::Interrupted, code(10)),
        (FrameTag::ReturnAddress, code(20)),
        (FrameTag::ReturnAddress, code(30)),
        (FrameTag::Reentry, 0),
        (FrameTag::ReturnAddress, code(25)),
        (FrameTag::ReturnAddress, code(30)),
    ];
    assert_eq!(walked(registers, &activations, 99), (End::Entry, expected.to_vec()));
}
