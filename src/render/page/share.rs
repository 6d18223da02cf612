//! One clip as a file to give to others: its spectrogram, its sound, its date, and nothing else of what is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil::Date;

use super::{STYLE, hash};

/// The whole HTML file. It loads nothing, and has no script.
pub fn shared(date: Date, png: Option<&[u8]>, flac: &[u8]) -> String {
    let policy = format!("default-src 'none'; img-src data:; media-src data:; style-src '{}'", hash(STYLE));
    let picture = png.map_or(String::new(), |png| {
        format!(
            "<img class=\"spectrogram shared\" alt=\"Spectrogram of the laugh\" src=\"data:image/png;base64,{}\">\n",
            BASE64.encode(png)
        )
    });
    let date = date.strftime("%-d %B %Y");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>A laugh, {date}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>A laugh, {date}</h1>\n{picture}\
         <p><audio controls src=\"data:audio/flac;base64,{}\"></audio></p>\n</main>\n</body>\n</html>\n",
        BASE64.encode(flac)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_file_loads_nothing_and_has_no_script() {
        let page = shared(jiff::civil::date(2025, 10, 4), Some(b"png"), b"flac");
        assert!(page.contains("<h1>A laugh, 4 October 2025</h1>"));
        assert!(page.contains("data:image/png;base64,cG5n") && page.contains("data:audio/flac;base64,ZmxhYw=="));
        assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
        assert!(!shared(jiff::civil::date(2025, 10, 4), None, b"flac").contains("<img"));
    }
}
