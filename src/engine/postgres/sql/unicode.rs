//! What escapes in strings and names mean.

/// Takes what follows a backslash in `E''` and adds what it means; says how long it is. `None` at the end of the text.
pub(super) fn escape(rest: &[u8], into: &mut Vec<u8>) -> Option<usize> {
    let first = *rest.first()?;
    let digits = |at: usize, most: usize, digit: fn(&u8) -> bool| {
        rest[at..].iter().take(most).take_while(|byte| digit(byte)).count()
    };
    let number = |at: usize, count: usize, radix: u32| {
        let text = std::str::from_utf8(&rest[at..at + count]).unwrap_or_default();
        u32::from_str_radix(text, radix).unwrap_or_default()
    };
    match first {
        b'0'..=b'7' => {
            let count = digits(0, 3, |byte| (b'0'..=b'7').contains(byte));
            into.push(number(0, count, 8).to_le_bytes()[0]);
            Some(count)
        }
        b'x' if digits(1, 2, u8::is_ascii_hexdigit) > 0 => {
            let count = digits(1, 2, u8::is_ascii_hexdigit);
            into.push(number(1, count, 16).to_le_bytes()[0]);
            Some(1 + count)
        }
        b'u' | b'U' => {
            let most = if first == b'u' { 4 } else { 8 };
            let count = digits(1, most, u8::is_ascii_hexdigit);
            push(char::from_u32(number(1, count, 16)), into);
            Some(1 + count)
        }
        _ => {
            into.push(match first {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => other,
            });
            Some(1)
        }
    }
}

/// What the text of `U&''` or `U&""` means: `\0061`, `\+000061`, and the escape sign twice for itself.
pub(super) fn decode(text: &[u8], escape: u8) -> Option<Vec<u8>> {
    let mut means = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut half = None;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != escape {
            means.push(byte);
            rest = after;
            continue;
        }
        if after.first() == Some(&escape) {
            means.push(escape);
            rest = &after[1..];
            continue;
        }
        let (from, count) = if after.first() == Some(&b'+') { (1, 6) } else { (0, 4) };
        let digits = after.get(from..from + count)?;
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        rest = &after[from + count..];
        match (half.take(), code) {
            (None, 0xd800..=0xdbff) => half = Some(code),
            (Some(high), 0xdc00..=0xdfff) => {
                push(char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00)), &mut means);
            }
            _ => push(Some(char::from_u32(code)?), &mut means),
        }
    }
    Some(means)
}

fn push(letter: Option<char>, into: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    into.extend_from_slice(letter.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut bytes).as_bytes());
}
