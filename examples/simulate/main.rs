fn main() {
    let first: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let count: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let told = std::env::args().nth(3).is_some();
    let start = std::time::Instant::now();
    let mut all = bevy_quorum::playtest::Coverage::default();
    let mut failures = 0;
    if !told {
        std::panic::set_hook(Box::new(|_| {}));
    }
    for seed in first..first + count {
        let run = std::panic::catch_unwind(|| {
            let mut s = bevy_quorum::playtest::Simulation::of(seed);
            if told {
                s = s.told();
            }
            s.run()
        });
        match run {
            Ok(outcome) => all += outcome.coverage,
            Err(e) => {
                failures += 1;
                let m = e
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| e.downcast_ref::<&str>().map(|s| s.to_string()))
                    .unwrap_or_default();
                println!("seed {seed}: {}", &m[..m.len().min(300)]);
            }
        }
    }
    println!("{all}{failures} failures; {:?} a seed", start.elapsed() / count as u32);
}
