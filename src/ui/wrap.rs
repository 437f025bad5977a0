//! Long lines, for terminals of a given width: tables stay tables, commands can still be pasted.

/// Columns of a terminal that nobody asked: what help is made for.
pub const WIDTH: usize = 80;

/// `text` with no line longer than `width`, but for a single word that is. What goes on stands below what it belongs to: the
/// second column of a table, what follows `Usage:`. Below a line `Examples:` stand commands; those go on behind a `\`.
pub fn wrap(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut are_commands = false;
    for line in text.lines() {
        let line = line.trim_end();
        are_commands |= line == "Examples:";
        fold(line, width, are_commands, &mut lines);
    }
    lines.join("\n")
}

fn fold(line: &str, width: usize, is_command: bool, lines: &mut Vec<String>) {
    let hang = if is_command { indent_of(line) + 4 } else { hang(line) };
    let (more, room) = if is_command { (" \\", width - 2) } else { ("", width) };
    let mut rest = line.to_owned();
    while rest.chars().count() > width {
        let Some(at) = last_blank(&rest, room, hang) else { break };
        lines.push(format!("{}{more}", rest[..at].trim_end()));
        rest = format!("{:hang$}{}", "", rest[at..].trim_start());
    }
    lines.push(rest);
}

/// Where the last blank is that leaves at most `room` columns before it; the first one where all words are longer.
fn last_blank(line: &str, room: usize, hang: usize) -> Option<usize> {
    let blanks = line.char_indices().enumerate().filter(|(column, (_, c))| *c == ' ' && *column > hang);
    let mut found = None;
    for (column, (at, _)) in blanks {
        if column > room && found.is_some() {
            break;
        }
        found = Some(at);
        if column > room {
            break;
        }
    }
    found
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Columns before what goes on: those of the first column of a table, or of the indent.
fn hang(line: &str) -> usize {
    let indent = indent_of(line);
    let bare = &line[indent..];
    if let Some(usage) = bare.strip_prefix("Usage: ") {
        return line.len() - usage.len();
    }
    let Some(gap) = bare.find("  ") else { return indent };
    line[..indent + gap].chars().count() + indent_of(&bare[gap..])
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn ux_338_tables_stay_tables_and_commands_can_be_pasted() {
        let text = "A sentence that is longer.\n\n  key   what it is for, in words\n  longer-key  short\n\nExamples:\n  dokku backups:import my-db --latest\n  ssh x";
        let expected = "A sentence that is\nlonger.\n\n  key   what it is\n        for, in\n        words\n  longer-key  short\n\nExamples:\n  dokku \\\n      backups:import \\\n      my-db --latest\n  ssh x";
        assert_eq!(wrap(text, 20), expected);
        assert_eq!(wrap("Usage: dokku backups:x [OPTIONS] <A>", 24), "Usage: dokku backups:x\n       [OPTIONS] <A>");
        assert_eq!(wrap("averyveryverylongword and more", 10), "averyveryverylongword\nand more");
        assert_eq!(wrap("  \n x", 10), "\n x");
    }
}
