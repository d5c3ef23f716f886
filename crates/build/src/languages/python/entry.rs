//! How an app without a Procfile is started, where one of its files says it plainly.

use crate::plan::PlanError;
use crate::source::Source;

pub(super) struct Entry {
    pub(super) command: String,
    pub(super) warning: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Interface {
    Wsgi,
    Asgi,
}

/// `manage.py` (Django), else `app.py` or `main.py` with a WSGI or ASGI object in it.
pub(super) fn find(source: &Source, declared: &[String]) -> Result<Option<Entry>, PlanError> {
    if source.is_file("manage.py") {
        return Ok(Some(django(source, declared)));
    }
    for module in ["app", "main", "wsgi", "asgi"] {
        let text = source.text(&format!("{module}.py"))?.unwrap_or_default();
        if let Some((object, interface)) = object(&text)
            && let Some(entry) = serve(&format!("{module}:{object}"), interface, &text, declared)
        {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

fn django(source: &Source, declared: &[String]) -> Entry {
    let projects = source.names(".");
    let module = |file: &str| {
        let project = projects.iter().find(|name| source.is_file(&format!("{name}/{file}.py")))?;
        Some(format!("{project}.{file}:application"))
    };
    let asgi = || serve(&module("asgi")?, Interface::Asgi, "", declared);
    let wsgi = || serve(&module("wsgi")?, Interface::Wsgi, "", declared);
    asgi().or_else(wsgi).unwrap_or_else(|| Entry {
        command: "exec python manage.py runserver --noreload 127.0.0.1:$PORT".to_owned(),
        warning: Some(
            "serving with Django's development server; add gunicorn to requirements.txt".to_owned(),
        ),
    })
}

/// With the first server that the app declares.
fn serve(target: &str, interface: Interface, text: &str, declared: &[String]) -> Option<Entry> {
    let has = |name: &str| declared.iter().any(|declared| declared == name);
    let command = match interface {
        Interface::Asgi if has("uvicorn") => {
            format!("exec uvicorn {target} --host 127.0.0.1 --port $PORT")
        }
        Interface::Asgi if has("hypercorn") => {
            format!("exec hypercorn --bind 127.0.0.1:$PORT {target}")
        }
        Interface::Wsgi if has("gunicorn") => {
            format!("exec gunicorn --bind 127.0.0.1:$PORT {target}")
        }
        Interface::Wsgi if has("waitress") => {
            format!("exec waitress-serve --listen=127.0.0.1:$PORT {target}")
        }
        Interface::Wsgi if has("flask") && text.contains("flask") => {
            return Some(Entry {
                command: format!("exec flask --app {target} run --host 127.0.0.1 --port $PORT"),
                warning: Some(
                    "serving with Flask's development server; add gunicorn to requirements.txt"
                        .to_owned(),
                ),
            });
        }
        Interface::Asgi | Interface::Wsgi => return None,
    };
    Some(Entry { command, warning: None })
}

/// `app = …` or `application = …` (or a function of that name) at the left margin.
fn object(text: &str) -> Option<(&'static str, Interface)> {
    let found = ["app", "application"].into_iter().find(|name| {
        text.lines().any(|line| {
            let rest = line.strip_prefix("async ").unwrap_or(line);
            let rest = rest.strip_prefix("def ").unwrap_or(rest);
            rest.strip_prefix(name).is_some_and(|rest| {
                let rest = rest.trim_start();
                rest.starts_with(['=', ':', '(']) && !rest.starts_with("==")
            })
        })
    })?;
    let asgi =
        ["fastapi", "starlette", "quart", "litestar", "get_asgi_application", "async def app"];
    let is_asgi = asgi.iter().any(|word| text.contains(word));
    Some((found, if is_asgi { Interface::Asgi } else { Interface::Wsgi }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_at_the_left_margin() {
        let is = |text: &str, name: &str, interface: Interface| {
            let found = object(text);
            assert!(found == Some((name, interface)), "{text}");
        };
        is("from flask import Flask\napp = Flask(__name__)\n", "app", Interface::Wsgi);
        is("from fastapi import FastAPI\napp: FastAPI = FastAPI()\n", "app", Interface::Asgi);
        is("def application(environ, start):\n  pass\n", "application", Interface::Wsgi);
        assert!(object("apple = 1\n  app = 2\n").is_none());
    }
}
