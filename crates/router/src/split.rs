//! Which side of a route a user belongs to. A function, not a memory: the same key on the same
//! route gives the same side for as long as the weights stand, in every process. Raising the weight of the last
//! side only adds users to it.

/// The side whose stretch of the total weight `point` falls into; sides lie in their order. None when no side
/// has weight.
pub(crate) fn side_at(weights: impl Iterator<Item = u32> + Clone, point: u64) -> Option<usize> {
    let total: u64 = weights.clone().map(u64::from).sum();
    let mut rest = point.checked_rem(total)?;
    for (index, weight) in weights.enumerate() {
        match rest.checked_sub(u64::from(weight)) {
            Some(left) => rest = left,
            None => return Some(index),
        }
    }
    None
}

/// Where a sticky key lies on a route: FNV-1a (64 bit) over route and key, then the finaliser of
/// MurmurHash3, without which the low bits of similar keys are similar.
pub(crate) fn point(route: &str, key: &[u8]) -> u64 {
    let bytes = route.bytes().chain([0]).chain(key.iter().copied());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(weights: [u32; 2], keys: u32) -> Vec<usize> {
        (0..keys)
            .map(|key| {
                let point = point("shop/prod", format!("user-{key}").as_bytes());
                side_at(weights.into_iter(), point).unwrap()
            })
            .collect()
    }

    #[test]
    fn each_side_gets_about_its_weight() {
        let canary = sides([90, 10], 20_000).iter().filter(|side| **side == 1).count();
        assert!((1800..2200).contains(&canary), "{canary} of 20000 for a tenth");
    }

    #[test]
    fn raising_a_weight_only_adds_users() {
        let before = sides([95, 5], 5000);
        let after = sides([80, 20], 5000);
        assert!(before.iter().zip(&after).all(|(before, after)| *before == 0 || *after == 1));
        assert_ne!(before, after);
    }

    #[test]
    fn a_side_without_weight_gets_nobody() {
        assert!(sides([0, 100], 1000).iter().all(|side| *side == 1));
        assert!(sides([100, 0], 1000).iter().all(|side| *side == 0));
        assert_eq!(side_at([0, 0].into_iter(), 7), None);
        assert_eq!(side_at([].into_iter(), 7), None);
    }

    #[test]
    fn another_route_splits_its_users_otherwise() {
        let here: Vec<u64> = (0..64_u8).map(|key| point("shop/prod", &[key]) % 2).collect();
        let there: Vec<u64> = (0..64_u8).map(|key| point("shop/stage", &[key]) % 2).collect();
        assert_ne!(here, there);
    }

    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(point("shop/prod", b"user-1"), point("shop/prod", b"user-1"));
        assert_eq!(point("", b""), {
            // FNV-1a of a single zero byte, finalised.
            let hash = 0xaf63_bd4c_8601_b7df_u64;
            let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            hash ^ (hash >> 33)
        });
    }
}
