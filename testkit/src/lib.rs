//! Guests that count themselves, and the race runner.
