#!/usr/bin/env bash
# topoc beside other tools: queues with a binding each, fresh and again, on one RabbitMQ node a tool.
# Usage: benches/peers.sh [QUEUES [ANSIBLE_QUEUES]]     1000 and 100 by default, as Ansible takes a second each
# Installs rabbitmqadmin (crates.io), rascal (npm) and Ansible with community.rabbitmq (PyPI) below target/peers.
set -euo pipefail
cd "$(dirname "$0")/.."

queues=${1:-1000} few=${2:-100}
peers=$PWD/target/peers
mkdir -p "$peers"

[ -x "$peers/bin/rabbitmqadmin" ] || cargo install --quiet --root "$peers" rabbitmqadmin@2.35.0
[ -d "$peers/node_modules/rascal" ] || npm install --silent --prefix "$peers" rascal@21
[ -x "$peers/venv/bin/ansible-playbook" ] || {
  python3 -m venv "$peers/venv"
  "$peers/venv/bin/pip" install --quiet ansible requests
}
cargo build --quiet --release
cargo build --quiet -p topoc-test-support
topoc=$PWD/target/release/topoc

topology() {
  printf 'topology "bench" { rabbitmq "3.10" }\nexchange "events" type="direct"\n'
  for ((n = 0; n < $1; n++)); do
    printf 'queue "work.%d" type="classic" max-length=10_000 { bind "events" routing-key="work.%d" }\n' "$n" "$n"
  done
}
topology "$queues" > "$peers/bench.kdl"
topology "$few" > "$peers/few.kdl"
"$topoc" export definitions "$peers/bench.kdl" -o "$peers/definitions.json" > "$peers/log"

cat > "$peers/rascal.js" <<'JS'
const { Broker } = require('rascal');
const [count, concurrency] = [Number(process.argv[2]), Number(process.argv[3])];
const queues = {}, bindings = {};
for (let n = 0; n < count; n++) {
  queues[`work.${n}`] = { options: { durable: true, arguments: { 'x-max-length': 10000 } } };
  bindings[`b${n}`] = { source: 'events', destination: `work.${n}`, destinationType: 'queue', bindingKey: `work.${n}` };
}
const config = { vhosts: { '/': {
  connection: process.env.TOPOC_AMQP, concurrency, exchanges: { events: { type: 'direct' } }, queues, bindings,
} } };
Broker.create(config, (error, broker) => {
  if (error) throw error;
  broker.shutdown(() => process.exit(0));
});
JS

cat > "$peers/playbook.yml" <<'YML'
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - community.rabbitmq.rabbitmq_exchange:
        name: events
        type: direct
        login_host: "{{ host }}"
        login_port: "{{ port }}"
        login_user: "{{ user }}"
        login_password: "{{ password }}"
    - community.rabbitmq.rabbitmq_queue:
        name: "work.{{ item }}"
        max_length: 10000
        login_host: "{{ host }}"
        login_port: "{{ port }}"
        login_user: "{{ user }}"
        login_password: "{{ password }}"
      loop: "{{ range(0, count | int) | list }}"
    - community.rabbitmq.rabbitmq_binding:
        name: events
        destination: "work.{{ item }}"
        destination_type: queue
        routing_key: "work.{{ item }}"
        login_host: "{{ host }}"
        login_port: "{{ port }}"
        login_user: "{{ user }}"
        login_password: "{{ password }}"
      loop: "{{ range(0, count | int) | list }}"
YML

# runs on a node of its own, twice; all that it needs to know is in its environment
cat > "$peers/twice" <<'SH'
#!/usr/bin/env bash
set -euo pipefail
name=$1 count=$2
shift 2
authority=${TOPOC_BROKER#http://}
export user=${authority%%:*} hostport=${authority##*@}
rest=${authority#*:} && export password=${rest%@*}
export host=${hostport%:*} port=${hostport##*:}
port=${port%/}
seconds() {
  local start=$EPOCHREALTIME
  eval "$1" > "$PEERS/log" 2>&1 || { cat "$PEERS/log" >&2; exit 1; }
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'
}
fresh=$(seconds "$1")
again=$(seconds "$1")
made=$(curl -s -u "$user:$password" "http://$host:$port/api/queues?columns=name" | grep -o '"name"' | wc -l)
[ "$made" = "$count" ] || { echo "$name made $made queues of $count" >&2; exit 1; }
printf '%-34s %6d %8s s %8s s\n' "$name" "$count" "$fresh" "$again"
SH
chmod +x "$peers/twice"
export PEERS=$peers PATH=$peers/bin:$peers/venv/bin:$PATH

with() { target/debug/throwaway-broker --version 3.10 -- "$peers/twice" "$@"; }
login='--host "$host" --port "$port" --username "$user" --password "$password"'
ansible='ansible-playbook "$PEERS/playbook.yml" -e "host=$host port=$port user=$user password=$password count='
printf '%-34s %6s %10s %10s\n' tool queues fresh again
with "topoc apply" "$queues" "'$topoc' apply --yes '$peers/bench.kdl'"
with "rabbitmqadmin definitions import" "$queues" "rabbitmqadmin $login definitions import --file '$peers/definitions.json'"
with "rascal, one at a time" "$queues" "NODE_PATH='$peers/node_modules' node '$peers/rascal.js' $queues 1"
with "rascal, eight at a time" "$queues" "NODE_PATH='$peers/node_modules' node '$peers/rascal.js' $queues 8"
with "topoc apply" "$few" "'$topoc' apply --yes '$peers/few.kdl'"
with "Ansible community.rabbitmq" "$few" "$ansible$few\""
