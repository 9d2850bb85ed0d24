use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn rust_and_cpp_names_become_readable_and_others_stay() {
    assert_eq!(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"), "core::fmt::Write::write_fmt");
    assert_eq!(demangle("_RNvCskwGfYPst2Cb_3foo16example_function"), "foo::example_function");
    assert_eq!(
        demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
        "std::vector<int, std::allocator<int> >::push_back(int const&)"
    );
    for name in ["main", "_Z", "_start", "_R", "", "operator[]", "f(int[4])", "$u20", "a.b.c", "?f@@YAXXZ"] {
        assert_eq!(demangle(name), name);
    }
}

#[test]
fn names_that_a_linker_demangled_lose_hashes_and_escapes() {
    assert_eq!(demangle("std[6f3ab072cbc6a52e]::process::abort"), "std::process::abort");
    assert_eq!(
        demangle("<alloc[0123456789abcdef]::vec::Vec<[u8; 4]> as core[fedcba9876543210]::ops::Drop>::drop"),
        "<alloc::vec::Vec<[u8; 4]> as core::ops::Drop>::drop"
    );
    assert_eq!(
        demangle("_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..Drop$GT$::drop::h0123456789abcdef"),
        "<alloc::vec::Vec<T> as core::ops::Drop>::drop"
    );
    assert_eq!(
        demangle("core::ops::function::FnOnce::call_once$u7b$$u7b$vtable.shim$u7d$$u7d$::h0123456789abcdef"),
        "core::ops::function::FnOnce::call_once{{vtable.shim}}"
    );
    assert_eq!(demangle("std::handle::hash"), "std::handle::hash");
}

/// Names that expand without end, or that nest without end.
fn hostile_names() -> Vec<String> {
    let mut doubling = String::from("_Z1fI");
    for level in 0..300 {
        let last = if level == 0 { "i".to_owned() } else { format!("S{}_", base36(level - 1)) };
        doubling.push_str(&format!("1aI{last}{last}E"));
    }
    doubling.push_str("Evv");
    let mut rust_doubling = String::from("_RINvC1a1b");
    for level in 0..40 {
        rust_doubling.push_str(if level == 0 { "Thh" } else { "TB9_B9_" });
    }
    vec![
        doubling,
        rust_doubling,
        format!("_Z1f{}i", "P".repeat(4000)),
        format!("_Z1f{}", "1aI".repeat(1300)),
        format!("_ZN{}E", "1a".repeat(2000)),
        format!("_Z1fIX{}", "plLi1E".repeat(600)),
        format!("_Z1f{}v", "PFv".repeat(1300)),
        format!("_RNvC1a{}", "NvNv".repeat(900)),
        format!("_RINvC1a1b{}hE", "R".repeat(4000)),
        format!("_RINvC1a1b{}", "TB8_".repeat(1000)),
        format!("_ZN{}17h0123456789abcdefE", "4$LT$".repeat(800)),
        format!("_R{}", "B_".repeat(2000)),
        format!("_RNvB{}_1a", "z".repeat(4000)),
        "[".repeat(4096),
        "a[0123456789abcdef".repeat(240),
        format!("{}::h0123456789abcdef", "$".repeat(4000)),
    ]
}

fn base36(number: usize) -> String {
    let digit = |value: usize| char::from_digit(value as u32, 36).unwrap().to_ascii_uppercase();
    if number < 36 { digit(number).to_string() } else { base36(number / 36) + &digit(number % 36).to_string() }
}

/// Work without a bound takes longer than this on any machine, and bounded work does not, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn hostile_names_take_little_time_and_memory() {
    for name in hostile_names() {
        let began = Instant::now();
        let readable = demangle(&name);
        let taken = began.elapsed();
        assert!(readable.len() <= MAX_DEMANGLED_BYTES, "{name}");
        assert!(taken < PATIENCE, "{taken:?} for {name}");
    }
}

proptest! {
    #[test]
    fn any_text_demangles_to_bounded_text(name in "(_Z|_R|)[0-9A-Za-z_$.\\[\\]:]{0,200}") {
        prop_assert!(demangle(&name).len() <= MAX_DEMANGLED_BYTES);
    }
}
