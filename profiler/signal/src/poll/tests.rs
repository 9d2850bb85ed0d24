//! Polls of made-up stores.

use std::cell::Cell;

use super::*;

#[derive(Default)]
struct Store {
    words: [Cell<usize>; 3],
}

impl Store {
    fn context(&self) -> StoreContext {
        // SAFETY: the tests keep the store alive while slots name it, and run it on one thread.
        unsafe { StoreContext::new(self.words[0].as_ptr(), self.words[1].as_ptr(), self.words[2].as_ptr()) }
    }

    /// What switching stacks, entering and leaving do: exit frame pointer, exit program counter, entry frame pointer.
    fn set(&self, words: [usize; 3]) {
        self.words.iter().zip(words).for_each(|(word, value)| word.set(value));
    }

    fn begin(&self, activations: &Activations, parked: &[ParkedActivation]) -> BegunPoll {
        activations.begin_poll(self.context(), 1, parked)
    }
}

fn parked_by(activations: &Activations, poll: BegunPoll) -> Vec<ParkedActivation> {
    let mut parked = Vec::new();
    activations.end_poll(poll, |activation| parked.push(activation));
    parked
}

#[test]
fn an_outermost_guest_takes_no_slot_and_is_found_by_the_stores_words() {
    let (store, activations) = (Store::default(), Activations::default());
    let poll = store.begin(&activations, &[]);
    assert_eq!(activations.get(0).unwrap().entry_fp(), None);
    activations.enter_at(Some(store.context()), 1, 0x9000);
    store.set([0, 0, 0x8ff0]);
    assert_eq!((activations.depth(), activations.get(0).unwrap().entry_fp()), (1, Some(0x8ff0)));
    store.set([0, 0, 0]);
    activations.leave(1);
    assert_eq!(activations.depth(), 1);
    assert!(parked_by(&activations, poll).is_empty());
    assert_eq!(activations.depth(), 0);
}

#[test]
fn a_nested_guest_that_is_suspended_is_parked_and_linked_again_on_another_thread() {
    let (store, first, second) = (Store::default(), Activations::default(), Activations::default());
    let poll = store.begin(&first, &[]);
    store.set([0x8000, 7, 0x8ff0]);
    first.enter_at(Some(store.context()), 1, 0x7f00);
    store.set([0x7000, 8, 0x7e00]);
    assert_eq!((first.depth(), first.get(1).unwrap().entry_fp()), (2, Some(0x7e00)));
    // Both stacks are suspended.
    store.set([0, 0, 0]);
    assert!(first.get(1).unwrap().is_elsewhere(0x7d00));
    let parked = parked_by(&first, poll);
    assert_eq!((parked.len(), first.depth()), (1, 0));

    let poll = store.begin(&second, &parked);
    store.set([0x7000, 8, 0x7e00]);
    assert_eq!(second.get(1).unwrap().entry_fp(), Some(0x7e00));
    assert_eq!(second.outer_exit(1), Some(ExitPoint { exit_fp: 0x8000, exit_pc: 7, entry_fp: 0x8ff0 }));
    store.set([0x8000, 7, 0x8ff0]);
    second.leave(1);
    assert_eq!(second.depth(), 1);
    second.end_poll(poll, |_| panic!("the nested guest has returned"));
}

#[test]
fn guests_of_one_store_take_turns_and_return_in_any_order() {
    let (store, activations) = (Store::default(), Activations::default());
    let poll = store.begin(&activations, &[]);
    let (outer_a, outer_b) = ([0x1_8000, 1, 0x1_9000], [0x9_8000, 2, 0x9_9000]);
    store.set(outer_a);
    activations.enter_at(Some(store.context()), 1, 0x1_7f00);
    store.set(outer_b);
    activations.enter_at(Some(store.context()), 1, 0x9_7f00);
    store.set([0, 0, 0x9_7e00]);
    let [a, b] = [1, 2].map(|index| activations.get(index).unwrap());
    assert!(a.is_elsewhere(0x9_7d00) && !b.is_elsewhere(0x9_7d00));
    // The first one is resumed, and returns before the second.
    store.set(outer_a);
    activations.leave(1);
    assert_eq!(activations.depth(), 2);
    store.set([0, 0, 0x9_7e00]);
    assert_eq!(activations.get(1).unwrap().entry_fp(), Some(0x9_7e00), "the second has moved down");
    store.set(outer_b);
    activations.leave(1);
    assert_eq!(activations.depth(), 1);
    assert!(parked_by(&activations, poll).is_empty());
}

#[test]
fn a_store_that_is_dropped_within_its_poll_takes_its_slots_with_it() {
    let (store, activations) = (Store::default(), Activations::default());
    let poll = store.begin(&activations, &[]);
    store.set([0x8000, 7, 0x8ff0]);
    activations.enter_at(Some(store.context()), 1, 0x7f00);
    assert!(activations.forget_store(1));
    assert_eq!(activations.depth(), 0);
    assert!(parked_by(&activations, poll).is_empty());
    assert_eq!(activations.depth(), 0);
}
