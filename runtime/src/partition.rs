//! Which partition of a super stream takes a message: as the clients of the stream protocol decide it, so that all of
//! a key's messages are in one partition whoever publishes them.

/// The seed of RabbitMQ's stream clients (`HashRoutingStrategy` of the Java client, and the same in the others).
const SEED: u32 = 104_729;

/// The routing key of the partition that a key belongs to, out of so many.
#[must_use]
pub fn partition(key: &str, partitions: u32) -> String {
    (murmur3(key.as_bytes(), SEED) % partitions.max(1)).to_string()
}

/// MurmurHash3, x86, 32 bits.
fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let scramble = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for word in words {
        hash ^= scramble(u32::from_le_bytes(*word));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = rest.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte));
    hash ^= scramble(tail);
    // the length counts in 32 bits, as in the reference
    #[expect(clippy::cast_possible_truncation, reason = "a routing key has at most 255 bytes")]
    let length = bytes.len() as u32;
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_murmur3() {
        // the reference's own vectors
        assert_eq!(murmur3(b"", 0), 0);
        assert_eq!(murmur3(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3(b"test", 0), 0xba6b_d213);
        assert_eq!(murmur3(b"Hello, world!", 0), 0xc036_3e43);
        assert_eq!(murmur3(b"The quick brown fox jumps over the lazy dog", 0), 0x2e4f_f723);
        assert_eq!(murmur3(b"a", 0x9747_b28c), 0x7fa0_9ea6);
        assert_eq!(murmur3(b"aa", 0x9747_b28c), 0x5d21_1726);
        assert_eq!(murmur3(b"aaa", 0x9747_b28c), 0x283e_0130);
    }

    #[test]
    fn a_key_has_the_partition_that_every_client_gives_it() {
        // where the clients of the stream protocol send these, by the .NET client's tests
        for (number, partition) in [1, 0, 1, 2, 0, 2, 0, 1, 0, 2].iter().enumerate() {
            assert_eq!(super::partition(&format!("hello{}", number + 1), 3), partition.to_string());
        }
        assert_eq!(partition("hello", 1), "0");
    }
}
