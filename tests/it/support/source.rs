//! Source files as the architecture test reads them: code without comments and strings, cut into tokens.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file under `src/`.
pub struct Source {
    /// Its path below `src/`, with `/` between folders.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// The folder or file of `src/` that it belongs to: `audio` for `audio/timestamps/name.rs`.
    pub fn top_module(&self) -> &str {
        let end = self.path.find(['/', '.']).unwrap_or(self.path.len());
        &self.path[..end]
    }

    /// `audio/resample` for `audio/resample.rs`, `store/postgres` for `store/postgres/mod.rs`.
    pub fn module(&self) -> &str {
        let module = self.path.trim_end_matches(".rs");
        module.trim_end_matches("/mod")
    }

    pub fn is_test(&self) -> bool {
        self.module().split('/').any(|part| part == "tests")
    }

    /// Top-level modules it names after `crate::`, `giggles::` or enough `super::`.
    pub fn modules_named(&self) -> BTreeSet<String> {
        let code = code(&self.text);
        let tokens = tokens(&code);
        let roots = (0..tokens.len()).filter(|&i| matches!(tokens[i], "crate" | "giggles" | "super"));
        let named = roots.flat_map(|i| after_root(&tokens[i + 1..]));
        named.map(str::to_owned).collect()
    }

    /// First words of its paths, outside of its own tests: crates, and what is at hand.
    pub fn heads(&self) -> BTreeSet<String> {
        let code = code(&self.text);
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let tokens = tokens(code);
        let own: BTreeSet<&str> = declared(&tokens);
        let heads = (0..tokens.len()).filter(|&i| is_head(&tokens, i)).map(|i| tokens[i]);
        heads.filter(|head| !own.contains(head)).map(str::to_owned).collect()
    }

    /// Modules that it declares.
    pub fn modules(&self) -> BTreeSet<String> {
        let code = code(&self.text);
        declared(&tokens(&code)).into_iter().map(str::to_owned).collect()
    }
}

/// Every Rust file under `src/`.
pub fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    sources
}

fn read(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{path}/"), sources);
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            sources.push(Source { path, text });
        }
    }
}

/// The text with a space for each comment, string and character.
fn code(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        match length_of_no_code(rest) {
            0 => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
            length => {
                code.push(' ');
                rest = &rest[length.min(rest.len())..];
            }
        }
    }
    code
}

/// Bytes of the comment or literal that the text begins with; 0 if it begins with code.
fn length_of_no_code(text: &str) -> usize {
    let until = |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        until(0, "\n")
    } else if text.starts_with("/*") {
        until(2, "*/")
    } else if text.starts_with("r\"") {
        until(2, "\"")
    } else if text.starts_with("r#\"") {
        until(3, "\"#")
    } else if text.starts_with('"') {
        length_of_string(text)
    } else if text.starts_with("'\\") {
        until(3, "'")
    } else if text.starts_with("'\"'") {
        3
    } else {
        0
    }
}

fn length_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Words, `::`, and every other character that is no space.
fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code.trim_start());
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            word => word,
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names right behind a root: one, or all of a group.
fn after_root<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    match tokens {
        ["::", "{", group @ ..] => members(group),
        ["::", name, ..] => vec![name],
        _ => Vec::new(),
    }
}

/// First names of the members of a group, up to its closing brace.
fn members<'a>(group: &[&'a str]) -> Vec<&'a str> {
    let (mut depth, mut first, mut names) = (0, true, Vec::new());
    for &token in group {
        match token {
            "}" if depth == 0 => break,
            "{" => depth += 1,
            "}" => depth -= 1,
            name if first => names.push(name),
            _ => (),
        }
        first = token == "," && depth == 0;
    }
    names
}

/// A word that begins a path, or stands alone behind `use`.
fn is_head(tokens: &[&str], i: usize) -> bool {
    let before = i.checked_sub(1).map_or("", |before| tokens[before]);
    let is_path = tokens.get(i + 1) == Some(&"::") && before != "::";
    tokens[i].starts_with(is_word) && (is_path || before == "use")
}

fn declared<'a>(tokens: &[&'a str]) -> BTreeSet<&'a str> {
    let pairs = tokens.windows(3).filter(|three| three[0] == "mod" && three[2] == ";");
    pairs.map(|three| three[1]).collect()
}
