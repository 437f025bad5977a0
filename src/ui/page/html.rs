//! Markup that cannot be broken from outside: tags are words of this program, everything else is escaped.

use std::fmt::{Display, Write};

use crate::domain::{is_hidden, shown};

/// A piece of a page in the making.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Adds markup. Only what stands in the source of this program can be `&'static`.
    pub fn raw(&mut self, markup: &'static str) -> &mut Html {
        self.0.push_str(markup);
        self
    }

    /// Adds a value, as text or inside a quoted attribute.
    pub fn text(&mut self, value: impl Display) -> &mut Html {
        let _ = write!(Escaped(&mut self.0), "{value}");
        self
    }

    /// Adds a finished piece.
    pub fn piece(&mut self, piece: Html) -> &mut Html {
        self.0.push_str(&piece.0);
        self
    }

    /// Its text.
    pub fn into_string(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Neither to be seen nor allowed in a document.
                c if is_hidden(c) => self.0.push_str(&shown(c.encode_utf8(&mut [0; 4]))),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_never_markup() {
        let mut html = super::Html::default();
        html.raw("<b title=\"").text("\"><script>alert('1')</script>\u{1b}").raw("\">").text(5).raw("</b>");
        let text = html.into_string();
        assert_eq!(text, "<b title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\u{1b}\">5</b>");
    }
}
