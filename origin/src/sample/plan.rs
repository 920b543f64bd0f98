//! Everything that the tables are written from.

use super::articles::{self, Article};
use super::error::SampleError;
use super::projects::{self, Project};
use super::real::Real;
use super::volumes::Volumes;

/// What is bundled, read, and the projects' views, which several tables need.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) real: Real,
    pub(super) projects: Vec<Project>,
    pub(super) rest: Project,
    pub(super) articles: Vec<Article>,
    /// In key order, `all-projects` among them.
    pub(super) volumes: Vec<Volumes>,
}

impl Plan {
    /// Reads the bundled files.
    pub(super) fn read() -> Result<Self, SampleError> {
        let real = Real::read()?;
        let projects = projects::read()?;
        let articles = articles::read(&projects)?;
        let rest = Project::rest_of_the_world();
        let mut volumes: Vec<Volumes> =
            projects.iter().chain([&rest]).map(|project| Volumes::of(project, &real)).collect();
        let all = Volumes::sum("all-projects", &volumes);
        volumes.pop();
        volumes.push(all);
        volumes.sort_by_key(|volumes| volumes.name);
        Ok(Self { real, projects, rest, articles, volumes })
    }

    /// The articles of a project.
    pub(super) fn articles_of(&self, project: &str) -> &[Article] {
        let from = self.articles.partition_point(|article| article.project < project);
        let to = self.articles.partition_point(|article| article.project <= project);
        &self.articles[from..to]
    }
}
