//! Random lives come to the same on every store.
