//! A tree that says itself what to run and needs none of our languages: scripts, or what `build.run` makes.

use crate::plan::{Draft, Language, PlanError};
use crate::source::Source;

/// Files of languages that are built by buildpacks only, and the buildpack to name.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("Gemfile", "Ruby", "heroku/ruby"),
    ("composer.json", "PHP", "heroku/php"),
    ("pom.xml", "Java", "heroku/java"),
    ("build.gradle", "Gradle", "heroku/gradle"),
    ("build.gradle.kts", "Gradle", "heroku/gradle"),
    ("build.sbt", "Scala", "heroku/scala"),
    ("project.clj", "Clojure", "heroku/clojure"),
];

pub(super) fn draft(source: &Source) -> Result<Draft, PlanError> {
    let mut draft = Draft::new(Language::Plain);
    draft.start_hint = "add a Procfile with a line such as 'web: ./server'".to_owned();
    if let Some((file, language, buildpack)) =
        FOREIGN.iter().find(|(file, ..)| source.is_file(file))
    {
        draft.warnings.push(format!(
            "{file} is there and {language} is not built without a buildpack; name one in app.json: \
             \"buildpacks\": [{{ \"url\": \"{buildpack}\" }}]"
        ));
    }
    Ok(draft)
}
