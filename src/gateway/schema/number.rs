//! Numbers as they are written: a tenth is a tenth, and not the binary fraction next to it.

use std::cmp::Ordering;

use serde_json::Number;

/// 2 to the 64th: what is written as an integer beyond it is read as a fraction.
const BEYOND_INTEGERS: f64 = 18_446_744_073_709_551_616.0;

/// The bound of whole numbers: a larger value is no sum of digits that anybody wrote.
const BEYOND_WHOLE: f64 = 1e38;

/// A number as digits times a power of ten, without its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The digits, without zeros at the end.
    digits: u64,
    exponent: i32,
}

impl Decimal {
    /// Reads the number that is written.
    pub(super) fn of(number: &Number) -> Self {
        if let Some(digits) = number.as_u64() {
            return Self::new(digits, 0);
        }
        if let Some(value) = number.as_i64() {
            return Self::new(value.unsigned_abs(), 0);
        }
        Self::of_fraction(number.as_f64().unwrap_or_default())
    }

    /// Returns the shortest decimal that is read as this fraction, which is what was written, up to 17 digits.
    fn of_fraction(value: f64) -> Self {
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
        let behind_point = i32::try_from(fraction.len()).unwrap_or_default();
        let exponent: i32 = exponent.parse().unwrap_or_default();
        Self::new(digits, exponent - behind_point)
    }

    fn new(mut digits: u64, mut exponent: i32) -> Self {
        while digits != 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        Self { digits, exponent }
    }

    /// True when this number is a whole number of times the other, which is not 0.
    pub(super) fn is_multiple_of(self, other: Self) -> bool {
        if self.digits == 0 {
            return true;
        }
        // No zeros stand at the end of the digits, so that they cannot make up for a power of ten.
        let Ok(power) = u32::try_from(self.exponent - other.exponent) else {
            return false;
        };
        let modulus = u128::from(other.digits.max(1));
        let rest = u128::from(self.digits) % modulus * power_of_ten(power, modulus);
        rest.is_multiple_of(modulus)
    }
}

/// Returns ten to a power, less the modulus as often as it goes.
fn power_of_ten(mut power: u32, modulus: u128) -> u128 {
    let (mut base, mut result) = (10 % modulus, 1 % modulus);
    while power > 0 {
        if power % 2 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        power /= 2;
    }
    result
}

/// The worth of a number: equal numbers have equal worths, however they are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Worth {
    Whole(i128),
    /// A number with a fraction, or far beyond any integer that is written as one.
    Other(f64),
}

impl Worth {
    /// Returns the worth of a number.
    pub(super) fn of(number: &Number) -> Self {
        if let Some(whole) = number.as_i128() {
            return Self::Whole(whole);
        }
        let value = number.as_f64().unwrap_or_default();
        if value.fract() != 0.0 || value.abs() >= BEYOND_WHOLE {
            return Self::Other(value);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it has no fraction, and its size has been looked at"
        )]
        let whole = value as i128;
        Self::Whole(whole)
    }

    /// Returns something that is the same for equal numbers and few others.
    pub(super) fn key(self) -> i128 {
        match self {
            Self::Whole(whole) => whole,
            Self::Other(value) => i128::from(value.to_bits()) << 64,
        }
    }
}

/// Compares two numbers exactly.
pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    match (Worth::of(left), Worth::of(right)) {
        (Worth::Whole(left), Worth::Whole(right)) => left.cmp(&right),
        (Worth::Other(left), Worth::Other(right)) => left.total_cmp(&right),
        (Worth::Whole(whole), Worth::Other(value)) => compare_mixed(whole, value),
        (Worth::Other(value), Worth::Whole(whole)) => compare_mixed(whole, value).reverse(),
    }
}

/// Compares a whole number with one that is none.
fn compare_mixed(whole: i128, value: f64) -> Ordering {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is too large becomes the largest there is, which is what it is compared as"
    )]
    let below = value.floor() as i128;
    // It is never equal: between the one below and the next.
    if whole <= below {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// True when a number is written without a fraction or an exponent, which makes an integer up to draft 4.
// GUESS: one beyond 64 bits is taken for written so, for it is read as a fraction either way; so is `-0`.
pub(super) fn is_integer(number: &Number) -> bool {
    let value = number.as_f64().unwrap_or_default();
    let is_minus_zero = value == 0.0 && value.is_sign_negative();
    !number.is_f64() || value.abs() >= BEYOND_INTEGERS || is_minus_zero
}

/// Returns the number of an integer that is not negative, if it is one.
pub(super) fn count(number: &Number) -> Option<u64> {
    let is_positive = number.as_f64().unwrap_or_default() >= 0.0;
    (is_integer(number) && is_positive).then(|| number.as_u64().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        let check = |left: &str, expected: Ordering, right: &str| {
            let (left, right) = (number(left), number(right));
            assert_eq!(compare(&left, &right), expected, "{left} {right}");
            assert_eq!(compare(&right, &left), expected.reverse());
        };
        check("1", Ordering::Equal, "1.0");
        check("-0.0", Ordering::Equal, "0");
        check("1e3", Ordering::Equal, "1000");
        check("9007199254740993", Ordering::Greater, "9007199254740992.0");
        check("18446744073709551615", Ordering::Greater, "-1");
        check("18446744073709551615", Ordering::Less, "1e300");
        check("-18446744073709551615", Ordering::Less, "-1e-300");
        check("0.1", Ordering::Less, "0.11");
        check("-3", Ordering::Greater, "-3.5");
        check("-4", Ordering::Less, "-3.5");
        check("1e300", Ordering::Greater, "1e299");
        check("-1e300", Ordering::Less, "-18446744073709551615");
        check(
            "1152921504606846976",
            Ordering::Equal,
            "1152921504606846976.0",
        );
        check("5e-324", Ordering::Greater, "0");
    }

    #[test]
    fn a_multiple_is_one_in_decimals() {
        let check = |value: &str, of: &str, expected: bool| {
            let is_multiple = Decimal::of(&number(value)).is_multiple_of(Decimal::of(&number(of)));
            assert_eq!(is_multiple, expected, "{value} {of}");
        };
        check("0.3", "0.1", true);
        check("-19.99", "0.01", true);
        check("0.35", "0.1", false);
        check("10", "4", false);
        check("1.0", "1", true);
        check("0", "7.5", true);
        check("1e308", "0.5", true);
        check("1e308", "3", false);
        check("1e-308", "1e300", false);
        check("18446744073709551615", "5", true);
        check("7.5e3", "2.5", true);
    }

    #[test]
    fn an_integer_is_written_as_one() {
        let check = |text: &str, expected: bool| {
            assert_eq!(is_integer(&number(text)), expected, "{text}");
        };
        check("1", true);
        check("-1", true);
        check("1.0", false);
        check("1e2", false);
        check("123456789012345678901234567890", true);
        assert_eq!(count(&number("-1")), None);
        assert_eq!(count(&number("1.0")), None);
        assert_eq!(count(&number("1e30")), Some(u64::MAX));
    }
}
