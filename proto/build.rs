//! Compiles the protos without `protoc`.
//!
//! The descriptor set is kept next to the generated code, with every option in it (`google.api.http`, field
//! behaviour, access rules): prost's own types would drop them, and the gateway and the access layer live on them.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

use prost_reflect::prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=foursight");
    println!("cargo:rerun-if-changed=google");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = Vec::new();
    collect(&PathBuf::from("foursight"), &mut files)?;
    // Not imported by our protos, but clients of the gateway decode errors with them.
    files.push(PathBuf::from("google/rpc/error_details.proto"));
    files.push(PathBuf::from("google/api/httpbody.proto"));
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("lists.rs"), list_requests(&compiler.file_descriptor_set())?)?;

    // An event says its own full name; the envelope and the subject are made from it.
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();

    tonic_prost_build::configure()
        // Maps are sorted, so that the same message always has the same bytes.
        .btree_map(".")
        .bytes(".")
        .compile_well_known_types(false)
        .codec_path("crate::codec::MessageCodec")
        .include_file("packages.rs")
        .compile_fds_with_config(compiler.file_descriptor_set(), names)?;
    Ok(())
}

/// Makes a `ListRequest` of every message of ours that asks for a page.
fn list_requests(files: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut code = String::new();
    for file in &files.file {
        let Some(package) = file.package().strip_prefix("foursight.") else { continue };
        for message in &file.message_type {
            let has = |name: &str| message.field.iter().any(|field| field.name() == name);
            if has("page_size") && has("page_token") {
                let path = format!("{}::{}", package.replace('.', "::"), message.name());
                writeln!(
                    code,
                    "impl ListRequest for crate::{path} {{
                         fn page_size(&self) -> i32 {{ self.page_size }}
                         fn page_token(&self) -> &str {{ &self.page_token }}
                         fn first_page(mut self) -> Self {{
                             self.page_size = 0;
                             self.page_token.clear();
                             self
                         }}
                     }}"
                )?;
            }
        }
    }
    Ok(code)
}

fn collect(folder: &PathBuf, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
