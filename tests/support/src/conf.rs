//! The files in a node's directory: all of what it reads and writes is there, nothing of the machine's own broker.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::ports::{Ports, random};
use crate::version::Installation;
use crate::{Error, Options};

/// What nodes know one another by.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    /// `rabbit@localhost`.
    pub(crate) node: String,
    /// The Erlang cookie.
    pub(crate) cookie: String,
}

impl Name {
    pub(crate) fn of(node: &str) -> Self {
        Self { node: node.to_owned(), cookie: format!("{:016x}{:016x}", random(), random()) }
    }

    /// The name of its log.
    pub(crate) fn log(&self) -> String {
        format!("log/{}.log", self.node)
    }
}

/// How soon a node that says nothing is taken for one that is down: a minute by default.
const TICKS: &str = "-kernel net_ticktime 10";

/// `rabbitmqctl` in the node's own environment.
pub(crate) const CTL: &str = "rabbitmqctl.sh";

pub(crate) fn write(
    dir: &Path,
    installation: &Installation,
    name: &Name,
    ports: Ports,
    options: &Options<'_>,
) -> Result<(), Error> {
    let inside = installation.inside(dir);
    for folder in ["home", "mnesia", "log", "generated"] {
        create(&dir.join(folder))?;
    }
    put(dir, "home/.erlang.cookie", &name.cookie)?;
    fs::set_permissions(dir.join("home/.erlang.cookie"), Permissions::from_mode(0o400))
        .map_err(Error::while_doing("protecting the Erlang cookie"))?;
    if let Some(certificates) = options.tls {
        put(dir, "ca.pem", certificates.ca())?;
        put(dir, "server.pem", certificates.server().certificate())?;
        put(dir, "server-key.pem", certificates.server().key())?;
    }
    put(dir, "enabled_plugins", &enabled_plugins(options))?;
    put(dir, "rabbitmq-env.conf", "")?;
    put(dir, "advanced.config", "[].\n")?;
    put(dir, "rabbitmq.conf", &rabbitmq_conf(inside, ports, options))?;
    let environment = environment(inside, name, ports);
    put(dir, "epmd.sh", &format!("{environment}exec epmd -port {} -address 127.0.0.1\n", ports.epmd))?;
    let program = |program: &str| {
        let path = installation.sbin.join(program);
        format!("{environment}cd '{}' && exec '{}' \"$@\"\n", inside.display(), path.display())
    };
    put(dir, "node.sh", &program("rabbitmq-server"))?;
    put(dir, CTL, &program("rabbitmqctl"))
}

fn enabled_plugins(options: &Options<'_>) -> String {
    let plugins: Vec<&str> = [&["rabbitmq_management"], options.plugins].concat();
    format!("[{}].\n", plugins.join(","))
}

fn rabbitmq_conf(inside: &Path, ports: Ports, options: &Options<'_>) -> String {
    let mut conf = format!(
        "listeners.tcp.1 = 127.0.0.1:{}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {}\n\
         default_user = guest\n\
         default_pass = guest\n\
         disk_free_limit.absolute = 200MB\n\
         log.file.level = info\n",
        ports.amqp, ports.management
    );
    // writing to a String cannot fail
    if options.plugins.contains(&"rabbitmq_prometheus") {
        let _ = writeln!(conf, "prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {}", ports.prometheus);
    }
    if options.plugins.contains(&"rabbitmq_stream") {
        let _ = writeln!(conf, "stream.listeners.tcp.1 = 127.0.0.1:{}", ports.stream);
    }
    if options.tls.is_some() {
        let _ = writeln!(conf, "listeners.ssl.1 = 127.0.0.1:{}", ports.amqps);
        let _ =
            writeln!(conf, "management.ssl.ip = 127.0.0.1\nmanagement.ssl.port = {}", ports.management_tls);
        let dir = inside.display();
        for section in ["ssl_options", "management.ssl"] {
            let _ = writeln!(
                conf,
                "{section}.cacertfile = {dir}/ca.pem\n\
                 {section}.certfile = {dir}/server.pem\n\
                 {section}.keyfile = {dir}/server-key.pem\n\
                 {section}.verify = verify_peer\n\
                 {section}.fail_if_no_peer_cert = true"
            );
        }
    }
    conf.push_str(options.extra_conf);
    conf.push('\n');
    conf
}

fn environment(inside: &Path, name: &Name, ports: Ports) -> String {
    let (dir, node) = (inside.display(), &name.node);
    let Ports { epmd, distribution, .. } = ports;
    // RUNNING_UNDER_SYSTEMD makes rabbitmq-server exec Erlang, so that the child's id is the broker's
    format!(
        "export HOME='{dir}/home' LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
         export ERL_EPMD_PORT={epmd} ERL_EPMD_ADDRESS=127.0.0.1\n\
         export RABBITMQ_NODENAME='{node}' RABBITMQ_DIST_PORT={distribution}\n\
         export RABBITMQ_CONF_ENV_FILE='{dir}/rabbitmq-env.conf'\n\
         export RABBITMQ_CONFIG_FILE='{dir}/rabbitmq.conf'\n\
         export RABBITMQ_ADVANCED_CONFIG_FILE='{dir}/advanced.config'\n\
         export RABBITMQ_GENERATED_CONFIG_DIR='{dir}/generated'\n\
         export RABBITMQ_ENABLED_PLUGINS_FILE='{dir}/enabled_plugins'\n\
         export RABBITMQ_MNESIA_BASE='{dir}/mnesia' RABBITMQ_LOG_BASE='{dir}/log'\n\
         export RABBITMQ_PID_FILE='{dir}/rabbit.pid'\n\
         export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {{127,0,0,1}} -start_epmd false {TICKS}'\n\
         export RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {{127,0,0,1}}'\n\
         export RUNNING_UNDER_SYSTEMD=true\n\
         unset NOTIFY_SOCKET\n"
    )
}

fn create(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(Error::while_doing(format_args!("creating {}", dir.display())))
}

fn put(dir: &Path, name: &str, content: &str) -> Result<(), Error> {
    fs::write(dir.join(name), content).map_err(Error::while_doing(format_args!("writing {name} of a node")))
}
