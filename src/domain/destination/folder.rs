//! `file:///FOLDER`: an absolute path of this host.

use super::are_steps;

pub(super) fn is_place(place: &str) -> bool {
    place.strip_prefix('/').is_some_and(are_steps)
}

#[cfg(test)]
mod tests {
    use super::super::Destination;

    #[test]
    fn folders_are_absolute_and_lead_nowhere_else() {
        let path = |text: &str| text.parse::<Destination>().map(|d| d.path().map(std::path::Path::to_owned));
        assert_eq!(path("file:///mnt/backup/").unwrap().unwrap(), std::path::Path::new("/mnt/backup"));
        for bad in [
            "file://",
            "file:///",
            "file://mnt/backup",
            "file://host/mnt",
            "file:///mnt/../etc",
            "file:///mnt/./b",
            "file:///mnt//b",
            "file:///mnt/a b",
            "file:///mnt/$x",
            "file:///mnt/a\nb",
        ] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
