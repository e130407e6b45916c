//! The ways in which platforms run a lifecycle.

use image_tests::User;

use crate::*;

#[test]
fn root_makes_the_image_that_the_user_of_the_build_image_makes() {
    let done = built("root", &of_hello(&hello()).by(User::Root));
    assert_eq!(done.image.digest(), first().image.digest());
}

#[test]
fn five_phases_one_by_one_make_the_image_that_the_creator_makes() {
    let environment = warm("phases");
    let app = hello();
    let phases = environment.phases(&of_hello(&app)).unwrap();
    for (name, ended) in &phases {
        assert_eq!(ended.code, Some(0), "{name}:\n{}", ended.log);
    }
    assert_eq!(
        phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["analyzer", "detector", "restorer", "builder", "exporter"]
    );
    let image = environment.image().unwrap();
    assert_eq!(image.digest(), first().image.digest());
    assert!(answers(&image, "/").starts_with("one hello"));
}
