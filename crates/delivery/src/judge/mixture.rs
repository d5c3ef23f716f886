//! Weighted averages of numbers too large to write down, by their logarithms.

/// ln Σ exp(terms), without overflow; minus infinity of nothing.
pub(super) fn ln_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_terms_are_added() {
        let ln = |terms: &[f64]| ln_sum_exp(terms.iter().copied());
        assert!((ln(&[0.0, 0.0]) - 2.0_f64.ln()).abs() < 1e-15);
        assert!((ln(&[1e6, 1e6 - 1.0]) - (1e6 + 0.313_261_687_518_222_8)).abs() < 1e-9);
        assert!((ln(&[-1e6, -2e6]) + 1e6).abs() < 1e-9);
        assert_eq!(ln(&[]), f64::NEG_INFINITY);
    }
}
