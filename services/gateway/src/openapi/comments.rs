//! The protos' comments, by what they stand at.

use std::collections::HashMap;

use prost_reflect::DescriptorPool;

#[derive(Debug)]
pub(super) struct Comments(HashMap<String, String>);

impl Comments {
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        let mut places: HashMap<(String, Vec<i32>), String> = HashMap::new();
        for file in pool.files() {
            let Some(info) = &file.file_descriptor_proto().source_code_info else { continue };
            for location in &info.location {
                let text = tidy(location.leading_comments());
                if !text.is_empty() {
                    places.insert((file.name().to_owned(), location.path.clone()), text);
                }
            }
        }
        let mut comments = HashMap::new();
        let mut add = |name: &str, file: &str, path: &[i32]| {
            if let Some(text) = places.remove(&(file.to_owned(), path.to_vec())) {
                comments.insert(name.to_owned(), text);
            }
        };
        for message in pool.all_messages() {
            let file = message.parent_file();
            add(message.full_name(), file.name(), message.path());
            for field in message.fields() {
                add(field.full_name(), file.name(), field.path());
            }
        }
        for enumeration in pool.all_enums() {
            let file = enumeration.parent_file();
            add(enumeration.full_name(), file.name(), enumeration.path());
            for value in enumeration.values() {
                add(value.full_name(), file.name(), value.path());
            }
        }
        for service in pool.services() {
            let file = service.parent_file();
            add(service.full_name(), file.name(), service.path());
            for method in service.methods() {
                add(method.full_name(), file.name(), method.path());
            }
        }
        Self(comments)
    }

    /// Empty where the proto says nothing.
    pub(super) fn of(&self, full_name: &str) -> &str {
        self.0.get(full_name).map_or("", String::as_str)
    }
}

/// Lines of a paragraph are joined; paragraphs stay apart.
fn tidy(comment: &str) -> String {
    let paragraphs: Vec<String> = comment
        .split("\n\n")
        .map(|paragraph| {
            paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    paragraphs.join("\n\n")
}
