//! The profiles of the shared configuration files, for choosing one.

use aws_config::profile::{self, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use super::{Error, ErrorKind, error::innermost};
use crate::model::text;

/// A profile of the shared configuration files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its region, if it names one.
    pub region: Option<String>,
}

/// All profiles, by name. No files, no profiles.
///
/// # Errors
/// Fails when the files cannot be read or understood.
pub async fn profiles() -> Result<Vec<Profile>, Error> {
    profiles_in(&Env::real()).await
}

/// Fails, with the names that exist, unless the profile does.
pub(super) async fn check_exists(name: &str) -> Result<(), Error> {
    check_exists_in(&Env::real(), name).await
}

async fn profiles_in(env: &Env) -> Result<Vec<Profile>, Error> {
    let set = load(env).await?;
    let mut profiles: Vec<Profile> = set
        .profiles()
        .map(|name| Profile {
            name: name.to_owned(),
            region: set
                .get_profile(name)
                .and_then(|profile| profile.get("region"))
                .filter(|region| !region.is_empty())
                .map(str::to_owned),
        })
        .collect();
    profiles.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(profiles)
}

async fn check_exists_in(env: &Env, name: &str) -> Result<(), Error> {
    let set = load(env).await?;
    if set.get_profile(name).is_some() {
        return Ok(());
    }
    let mut names: Vec<&str> = set.profiles().collect();
    names.sort_unstable();
    let there = match names.as_slice() {
        [] => "there are none".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    let message = format!("no profile {name:?} in the shared configuration; {there}");
    Err(Error::new(
        ErrorKind::Profile,
        "",
        text::printable(&message).into_owned(),
    ))
}

#[expect(
    clippy::default_trait_access,
    reason = "the type is of a crate that is not ours to name"
)]
async fn load(env: &Env) -> Result<ProfileSet, Error> {
    profile::load(&Fs::real(), env, &Default::default(), None)
        .await
        .map_err(|error| {
            let message = format!(
                "the shared configuration cannot be read: {}",
                innermost(&error)
            );
            Error::new(ErrorKind::Profile, "", message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env_with(config: &str) -> (tempfile::TempDir, Env) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, config).unwrap();
        let env = Env::from_slice(&[
            ("HOME", dir.path().to_str().unwrap()),
            ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ]);
        (dir, env)
    }

    #[tokio::test]
    async fn profiles_come_by_name_with_their_region() {
        let (_dir, env) =
            env_with("[profile work]\nregion = eu-west-1\n[default]\noutput = json\n");
        let profiles = profiles_in(&env).await.unwrap();
        let facts: Vec<_> = profiles
            .iter()
            .map(|profile| (profile.name.as_str(), profile.region.as_deref()))
            .collect();
        assert_eq!(facts, [("default", None), ("work", Some("eu-west-1"))]);
    }

    #[tokio::test]
    async fn an_unknown_profile_is_told_with_the_ones_that_exist() {
        let (_dir, env) = env_with("[profile work]\n[profile home]\n");
        let error = check_exists_in(&env, "wrok").await.unwrap_err();
        let failure = error.failure("Cannot list the APIs");
        assert!(failure.causes[0].contains("\"wrok\""), "{failure}");
        assert!(
            failure.causes[0].ends_with("there are home, work"),
            "{failure}"
        );
        assert!(check_exists_in(&env, "work").await.is_ok());
    }

    #[tokio::test]
    async fn no_files_are_no_profiles() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::from_slice(&[("HOME", dir.path().to_str().unwrap())]);
        assert_eq!(profiles_in(&env).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_broken_file_is_told() {
        let (_dir, env) = env_with("[profile work\nregion\n");
        let failure = profiles_in(&env).await.unwrap_err().failure("Cannot list");
        assert!(
            failure.causes[0].contains("shared configuration"),
            "{failure}"
        );
    }
}
