//! Activations of made-up stores.

use std::cell::Cell;

use super::*;

/// A store's words: exit frame pointer, exit program counter, entry frame pointer.
type Words = [Cell<usize>; 3];

/// Enters a store, whose guest then sets its words.
fn enter(activations: &Activations, words: &Words, store: u64, then: [usize; 3]) {
    // SAFETY: the tests keep `words` alive while the slot is in use.
    let context = unsafe { StoreContext::new(words[0].as_ptr(), words[1].as_ptr(), words[2].as_ptr()) };
    activations.enter_at(Some(context), store, then[2]);
    set(words, then);
}

fn set(words: &Words, values: [usize; 3]) {
    words.iter().zip(values).for_each(|(word, value)| word.set(value));
}

#[test]
fn a_nested_activation_remembers_where_the_outer_one_left_its_guest() {
    let words = Words::default();
    let activations = Activations::default();
    enter(&activations, &words, 1, [100, 200, 300]);
    enter(&activations, &words, 1, [10, 20, 30]);
    let inner = activations.get(1).unwrap();
    assert_eq!(activations.outer_exit(1), Some(ExitPoint { exit_fp: 100, exit_pc: 200, entry_fp: 300 }));
    assert_eq!(inner.entry_fp(), Some(30));
    assert_eq!(activations.outer_exit(0), Some(ExitPoint::default()));
    activations.leave(2);
    assert_eq!(activations.depth(), 2, "another store's guest was entered elsewhere");
    activations.leave(1);
    assert_eq!(activations.depth(), 1);
}

#[test]
fn activations_that_a_panic_unwound_past_are_pruned_by_the_next_entry() {
    let (first, second) = (Words::default(), Words::default());
    let activations = Activations::default();
    enter(&activations, &first, 1, [1, 2, 300]);
    enter(&activations, &second, 2, [4, 5, 60]);
    set(&second, [0; 3]);
    enter(&activations, &first, 3, [7, 8, 90]);
    assert_eq!((activations.depth(), activations.current_store()), (2, 3));
    activations.forget_store(3);
    assert_eq!(activations.depth(), 1);
}

#[test]
fn a_forgotten_store_is_read_no_more_even_if_its_thread_enters_meanwhile() {
    let (gone, live) = (Words::default(), Words::default());
    let activations = Activations::default();
    enter(&activations, &gone, 1, [1, 2, 300]);
    enter(&activations, &live, 2, [4, 5, 60]);
    assert!(activations.forget_store(1));
    assert_eq!((activations.depth(), activations.current_store()), (2, 2), "the live one stays");
    assert_eq!(activations.get(0).unwrap().now, None);
    assert!(!activations.forget_store(1), "there is nothing left to wait for");
}

#[test]
fn reads_are_announced_and_nest() {
    let activations = Activations::default();
    assert!(!activations.is_read());
    let outer = activations.begin_reading();
    drop(activations.begin_reading());
    assert!(activations.is_read());
    drop(outer);
    assert!(!activations.is_read());
}

#[test]
fn activations_beyond_the_limit_are_counted_and_not_linked() {
    let activations = Activations::default();
    (0..MAX_LINKED + 5).for_each(|_| activations.enter(None, 1));
    assert_eq!(activations.depth(), MAX_LINKED + 5);
    assert!(activations.get(MAX_LINKED).is_none());
    (0..MAX_LINKED + 5).for_each(|_| activations.leave(1));
    assert_eq!(activations.depth(), 0);
}
