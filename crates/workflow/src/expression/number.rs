//! Numbers and their text.

/// What text is as a number, by the rules of JavaScript's `Number()`: NaN when it is none.
pub(super) fn parse(text: &str) -> f64 {
    let text = text.trim();
    match text {
        "" => return 0.0,
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return parse_signed_32(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return parse_signed_32(digits, 8);
    }
    // Rust's own words for what is no finite number mean nothing here.
    let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if text.bytes().all(plain) { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

/// In 32 bits, of which the first is the sign: `0xFFFFFFFF` is -1.
fn parse_signed_32(digits: &str, radix: u32) -> f64 {
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return f64::NAN;
    }
    u32::from_str_radix(digits, radix).map_or(f64::NAN, |bits| f64::from(bits.cast_signed()))
}

/// In 15 significant digits, with an exponent where there are more digits before the point, or more than three
/// zeros behind it: .NET's `G15`, with which GitHub prints them.
pub(super) fn print(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // `-1.20000000000000e2`
    let scientific = format!("{number:.14e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        return without_trailing_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}E{sign}{:02}", without_trailing_zeros(digits), exponent.abs())
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}
