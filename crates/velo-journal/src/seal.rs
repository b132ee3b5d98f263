//! Checksums: every record ends with the CRC-32 of its key and its bytes, so that one that was damaged or misplaced is found when it is read.

const SIZE: usize = 4;

/// Puts the checksum behind a record.
pub(crate) fn seal(key: &[u8], record: &mut Vec<u8>) {
    let sum = sum(key, record);
    record.extend_from_slice(&sum.to_le_bytes());
}

/// The record without its checksum; `None` when it is not the one that was sealed.
pub(crate) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (record, kept) = sealed.split_at_checked(sealed.len().checked_sub(SIZE)?)?;
    (kept == sum(key, record).to_le_bytes()).then_some(record)
}

/// Of a key and a record.
pub(crate) fn sum(key: &[u8], record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key);
    sum.update(record);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_told_from_everything_else() {
        let mut record = b"bytes".to_vec();
        seal(b"key", &mut record);
        assert_eq!(unseal(b"key", &record), Some(&b"bytes"[..]));
        assert_eq!(unseal(b"yek", &record), None);
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1;
            assert_eq!(unseal(b"key", &damaged), None, "byte {at}");
            assert_eq!(unseal(b"key", &record[..at]), None, "cut at {at}");
        }
    }
}
