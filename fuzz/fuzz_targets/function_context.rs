#![cfg_attr(fuzzing, no_main)]
//! Any two texts, with a NUL between them, are refused as function contexts or are a model in which every name is one input.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|texts: &str| {
    use functions_framework::__private::merge_contexts;

    let (v1, v2) = texts.split_once('\0').map_or((texts, None), |(v1, v2)| (v1, Some(v2)));
    match merge_contexts(Some(v1), v2) {
        Ok(json) => {
            let model: serde_json::Value = serde_json::from_str(&json).expect("the model is JSON");
            let inputs = model["inputs"].as_array().expect("inputs are a list");
            let mut names: Vec<_> = inputs.iter().map(|input| input["name"].as_str().expect("a name is text")).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), inputs.len());
        }
        Err(error) => assert!(error.starts_with("FUNC_CONTEXT"), "{error}"),
    }
});

#[cfg(not(fuzzing))]
fn main() {}
