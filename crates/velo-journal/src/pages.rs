//! What fits into pages of the store, which come in powers of two.
//!
//! Owns: that arithmetic. A value is alone in pages of its own where it is larger than the smallest page, and all of what they hold beside it is written with it.

/// A page of the store, and what of it is not the value's.
const PAGE: usize = 4096;
const PAGE_OVERHEAD: usize = 64;
/// A piece of a group is no larger: the store needs room in one place for it.
const MAX_PAGE: usize = 256 * PAGE;

/// The sizes of the pieces of a group, the large ones first: each fills pages of the store, and the page that the next group has to move is the smallest.
pub(crate) fn pieces(mut length: usize) -> impl Iterator<Item = usize> {
    let mut page = MAX_PAGE;
    std::iter::from_fn(move || {
        if length == 0 {
            return None;
        }
        while page > PAGE && length < page - PAGE_OVERHEAD {
            page /= 2;
        }
        let size = length.min(page - PAGE_OVERHEAD);
        length -= size;
        Some(size)
    })
}

/// A record holds more only if one event does: a page of a read looks through one record at most in vain.
const MAX_RECORD_PAGE: usize = 64 * PAGE;

/// How many bytes a record takes at most, of so many that are to be written: one with a byte more would have twice its page.
pub(crate) const fn record_room(left: usize) -> usize {
    let mut page = MAX_RECORD_PAGE;
    while page > PAGE && left < page - PAGE_OVERHEAD {
        page /= 2;
    }
    page - PAGE_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fill_pages_and_make_the_whole() {
        for length in (1..3_000_000).step_by(997) {
            let sizes: Vec<_> = pieces(length).collect();
            assert_eq!(sizes.iter().sum::<usize>(), length);
            assert!(sizes.is_sorted_by(|one, next| one >= next), "{length}: {sizes:?}");
            let pages: usize = sizes.iter().map(|size| (size + PAGE_OVERHEAD).div_ceil(PAGE).next_power_of_two()).sum();
            assert!(pages * PAGE <= length + 16 * PAGE_OVERHEAD + PAGE, "{length}: {pages} pages");
        }
        assert_eq!(pieces(0).count(), 0);
    }
}
