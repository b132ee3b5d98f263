//! Events or hashes of a stream on their way to its records: what goes together.
//!
//! Owns: the sizes of records, and in which order they are put. Each fills pages of the store: one of 65 KB would write 128. The last ones are the large ones, and they
//! are put first: so the store gives each large one a page of its own. In the other order it would share its page with the head of the stream before it, and be
//! written again whenever that is.

use crate::pages::record_room;

/// What is never cut: its index, the index behind it, its bytes.
pub(crate) type Piece<'a> = (u64, u64, &'a [u8]);

/// The index and the bytes of each record that pieces make, in the order in which they are put. Pieces that do not go on where the one before ended are apart.
pub(crate) fn records(pieces: &[Piece<'_>]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    let mut left: usize = pieces.iter().map(|(.., bytes)| bytes.len()).sum();
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let ((index, _, last), mut before) = rest.split_last()?;
        let (mut begin, mut size) = (*index, last.len());
        let room = record_room(left);
        while let Some(((index, end, bytes), more)) = before.split_last()
            && *end == begin
            && size + bytes.len() <= room
        {
            (begin, before) = (*index, more);
            size += bytes.len();
        }
        // With what the seal takes.
        let mut record = Vec::with_capacity(size + 4);
        rest.iter().skip(before.len()).for_each(|(.., bytes)| record.extend_from_slice(bytes));
        left -= size;
        rest = before;
        Some((begin, record))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_what_the_pieces_were_and_fill_pages() {
        let of_size = |count: u64, size: usize| -> Vec<Vec<u8>> {
            (0..count).map(|at| vec![at.to_le_bytes()[0]; size]).collect()
        };
        for (count, size) in
            [(1, 10), (3, 900), (64, 1036), (64, 6400), (9, 60_000), (500, 1036), (40, 16_000), (2, 900_000)]
        {
            let bytes = of_size(count, size);
            let pieces: Vec<Piece<'_>> =
                (5..).zip(&bytes).map(|(index, bytes)| (index, index + 1, &bytes[..])).collect();
            let mut records: Vec<_> = records(&pieces).collect();
            assert!(records.is_sorted_by(|(_, one), (_, next)| one.len() >= next.len()), "the large ones first");
            records.reverse();
            assert_eq!(records.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), bytes.concat());
            let mut next = 5;
            for (index, record) in &records {
                assert_eq!(*index, next);
                next += (record.len() / size) as u64;
            }
            let pages = records.iter().map(|(_, bytes)| (bytes.len() + 64).div_ceil(4096).next_power_of_two() * 4096);
            let in_vain = pages.sum::<usize>() - bytes.concat().len();
            let most = if size > 256 * 1024 { 300_000 * records.len() } else { records.len() * (size + 64) + 4096 };
            assert!(in_vain < most, "{count} of {size}: {in_vain} bytes in vain");
        }
    }

    #[test]
    fn what_does_not_go_on_is_apart() {
        let lengths =
            |pieces: &[Piece<'_>]| -> Vec<_> { records(pieces).map(|(index, bytes)| (index, bytes.len())).collect() };
        assert_eq!(lengths(&[(0, 2, &[1; 20]), (2, 3, &[2; 10]), (7, 8, &[3; 10])]), [(7, 10), (0, 30)]);
        assert_eq!(lengths(&[]), []);
    }
}
