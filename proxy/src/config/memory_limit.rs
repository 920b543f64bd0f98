//! The memory limit of the process: the tightest one of its control group and that group's parents.
//!
//! A systemd unit or a nested group has no namespace of its own. Its limit is not in the root of the
//! mounted hierarchy, and a parent may have a tighter one.

use aqs_api::units::Bytes;
use procfs_core::FromBufRead;
use procfs_core::ProcessCGroups;
use procfs_core::process::MountInfo;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};
use sysinfo::System;

/// Where the memory of the process ends, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// The limit of a control group, and the file that holds it.
    Group {
        bytes: u64,
        file: PathBuf,
    },
    /// The memory of the machine, if no control group limits it.
    Machine {
        bytes: u64,
    },
    Unknown,
}

impl MemoryLimit {
    pub fn find() -> Self {
        let mut machine = u64::MAX;
        if let Ok(mut system) = System::new() {
            system.refresh_memory();
            machine = system.total_memory();
        }
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        let group = read("cgroup")
            .zip(read("mountinfo"))
            .and_then(|(groups, mounts)| tightest(&groups, &mounts));
        match group {
            // A group without a limit has the largest number, or one above the machine.
            Some((bytes, file)) if bytes < machine => Self::Group { bytes, file },
            _ if machine < u64::MAX => Self::Machine { bytes: machine },
            _ => Self::Unknown,
        }
    }

    /// The memory for answers by default: half of a group's limit, or a quarter of the machine.
    pub fn default_memory(&self) -> u64 {
        match self {
            Self::Group { bytes, .. } => bytes / 2,
            Self::Machine { bytes } => bytes / 4,
            Self::Unknown => 256 << 20,
        }
    }

    /// Warns if answers alone may take all memory: the kernel would kill the process.
    pub fn exceeded_by(&self, memory: u64) -> Option<String> {
        let (Self::Group { bytes, .. } | Self::Machine { bytes }) = self else { return None };
        let message = format!(
            "memory is {}, but the memory limit of the process is {self}; leave the key out, or set \
             at most half of the limit",
            Bytes(memory)
        );
        (memory >= *bytes).then_some(message)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { bytes, file } => {
                write!(text, "{} of the control group ({})", Bytes(*bytes), file.display())
            }
            Self::Machine { bytes } => write!(text, "{} of the machine", Bytes(*bytes)),
            Self::Unknown => text.write_str("unknown"),
        }
    }
}

/// The tightest limit and its file, from the contents of `/proc/self/cgroup` and
/// `/proc/self/mountinfo`.
fn tightest(groups: &str, mounts: &str) -> Option<(u64, PathBuf)> {
    let groups = ProcessCGroups::from_buf_read(groups.as_bytes()).ok()?;
    let mounts: Vec<MountInfo> =
        mounts.lines().filter_map(|line| MountInfo::from_line(line).ok()).collect();
    let mut limits = Vec::new();
    for group in &groups {
        // In version 2, all controllers share one hierarchy. Above `memory.high`, the kernel slows
        // the process down so much that it is a limit, too.
        let (kind, files) = if group.controllers.iter().any(|one| one == "memory") {
            ("cgroup", &["memory.limit_in_bytes"][..])
        } else if group.hierarchy == 0 {
            ("cgroup2", &["memory.max", "memory.high"][..])
        } else {
            continue;
        };
        let of_kind = mounts.iter().filter(|mount| {
            mount.fs_type == kind
                && (kind == "cgroup2" || mount.super_options.contains_key("memory"))
        });
        for mount in of_kind {
            let own = own_folder(mount, &group.pathname);
            let up_to_mount = own.ancestors().take_while(|one| one.starts_with(&mount.mount_point));
            for file in up_to_mount.flat_map(|folder| files.iter().map(|name| folder.join(name))) {
                // A group without the controller has no file; one without a limit says "max".
                let bytes =
                    fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
                limits.extend(bytes.map(|bytes: u64| (bytes, file)));
            }
        }
    }
    limits.into_iter().min_by_key(|(bytes, _)| *bytes)
}

/// The folder of a group below its mount. A mount may begin at a group (a container with the host's
/// groups); a group outside of what is mounted counts as the mounted one.
fn own_folder(mount: &MountInfo, group: &str) -> PathBuf {
    let below = Path::new(group).strip_prefix(&mount.root).ok();
    let plain =
        below.filter(|path| path.components().all(|one| matches!(one, Component::Normal(_))));
    plain.map_or_else(|| mount.mount_point.clone(), |path| mount.mount_point.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `(group, file, content)` below a folder and finds the limit for a process's group.
    fn found(
        groups: &str,
        root: &str,
        options: &str,
        files: &[(&str, &str, &str)],
    ) -> Option<(u64, String)> {
        let folder = tempfile::tempdir().unwrap();
        for (group, file, content) in files {
            fs::create_dir_all(folder.path().join(group)).unwrap();
            fs::write(folder.path().join(group).join(file), content).unwrap();
        }
        let mounts = format!(
            "broken line\n22 1 0:21 / /proc rw - proc proc rw\n31 23 0:28 {root} {} rw - {options}\n",
            folder.path().display()
        );
        let (bytes, file) = tightest(groups, &mounts)?;
        Some((bytes, file.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned()))
    }

    #[test]
    fn the_tightest_group_of_version_2_counts() {
        let v2 = "cgroup2 cgroup2 rw,nsdelegate";
        let unit = "0::/system.slice/aqs.service\n";
        let own = ("system.slice/aqs.service", "memory.max", "209715200\n");
        let parent = ("system.slice", "memory.max", "104857600\n");
        let unlimited = ("system.slice", "memory.max", "max\n");
        let of_unit = |bytes| Some((bytes, "system.slice/aqs.service/memory.max".to_owned()));
        assert_eq!(found(unit, "/", v2, &[own]), of_unit(209_715_200));
        assert_eq!(found(unit, "/", v2, &[own, unlimited]), of_unit(209_715_200));
        let of_slice = Some((104_857_600, "system.slice/memory.max".to_owned()));
        assert_eq!(found(unit, "/", v2, &[own, parent]), of_slice);
        assert_eq!(found(unit, "/", v2, &[unlimited]), None);
        let high = ("system.slice/aqs.service", "memory.high", "5\n");
        let of_high = Some((5, "system.slice/aqs.service/memory.high".to_owned()));
        assert_eq!(found(unit, "/", v2, &[own, high]), of_high);
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory() {
        let groups = "8:pids:/p\n4:cpu,memory:/a/b\n0::/\n";
        let files = [
            ("a/b", "memory.limit_in_bytes", "9223372036854771712\n"),
            ("a", "memory.limit_in_bytes", "300\n"),
            ("p", "memory.limit_in_bytes", "1\n"),
        ];
        let of_a = Some((300, "a/memory.limit_in_bytes".to_owned()));
        assert_eq!(found(groups, "/", "cgroup cgroup rw,cpu,memory", &files), of_a);
        assert_eq!(found(groups, "/", "cgroup cgroup rw,pids", &files), None);
    }

    #[test]
    fn a_mount_may_begin_at_a_group() {
        let v2 = "cgroup2 cgroup2 rw";
        let files = [("", "memory.max", "700\n"), ("inner", "memory.max", "600\n")];
        let of_root = Some((700, "memory.max".to_owned()));
        let of_inner = Some((600, "inner/memory.max".to_owned()));
        assert_eq!(found("0::/docker/x/inner\n", "/docker/x", v2, &files), of_inner);
        assert_eq!(found("0::/docker/x\n", "/docker/x", v2, &files), of_root);
        assert_eq!(found("0::/elsewhere\n", "/docker/x", v2, &files), of_root);
        assert_eq!(found("0::/../inner\n", "/", v2, &files), of_root);
    }

    #[test]
    fn half_of_a_group_or_a_quarter_of_the_machine_is_for_answers() {
        let group = MemoryLimit::Group { bytes: 200 << 20, file: "/x/memory.max".into() };
        assert_eq!(group.default_memory(), 100 << 20);
        assert_eq!(group.to_string(), "200MiB of the control group (/x/memory.max)");
        assert_eq!(group.exceeded_by((200 << 20) - 1), None);
        let warning = "memory is 200MiB, but the memory limit of the process is 200MiB of the control \
                       group (/x/memory.max); leave the key out, or set at most half of the limit";
        assert_eq!(group.exceeded_by(200 << 20).as_deref(), Some(warning));
        assert_eq!(MemoryLimit::Machine { bytes: 1 << 30 }.default_memory(), 256 << 20);
    }
}
