//! Which instructions the kernels use, and whether this machine has them.
//!
//! Invariant: [`Cpu::kernels`] and [`Cpu::run`] are the only ways to the kernels of a path. Both check that this
//! machine has its instructions; the SAFETY lines of the kernels rely on that.

use super::lanes::{LaneTask, PortableLanes};
use super::{KernelTable, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2_lanes, gemm::amx, x86};
#[cfg(target_arch = "aarch64")]
use super::{neon, neon_lanes};

/// A path: the set of instructions that the kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// x86-64 with AVX-512 and AMX-INT8: matrix products over 128 to 512 inputs in integers, the rest as
    /// [`Cpu::Avx512`].
    Amx,
    /// x86-64 with AVX-512F.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// 64-bit Arm, all of which have NEON.
    Neon,
    /// Any CPU: safe code that the compiler vectorizes as far as the target allows.
    Portable,
}

impl Cpu {
    const ALL: [Cpu; 5] = [Cpu::Amx, Cpu::Avx512, Cpu::Avx2, Cpu::Neon, Cpu::Portable];

    /// The fastest path that this machine has.
    pub fn detect() -> Cpu {
        *Cpu::available().first().expect("the portable path is always available")
    }

    /// All paths that this machine has, fastest first. The first call requests permission for AMX from Linux, for all
    /// threads of the process.
    pub fn available() -> Vec<Cpu> {
        Cpu::ALL.into_iter().filter(|cpu| cpu.is_available()).collect()
    }

    /// The path with a [`Cpu::name`], if this machine has it.
    pub fn from_name(name: &str) -> Option<Cpu> {
        Cpu::available().into_iter().find(|cpu| cpu.name() == name)
    }

    /// `amx`, `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self {
            Cpu::Amx => "amx",
            Cpu::Avx512 => "avx512",
            Cpu::Avx2 => "avx2",
            Cpu::Neon => "neon",
            Cpu::Portable => "portable",
        }
    }

    /// The same path. Panics if this machine does not have it.
    pub(super) fn checked(self) -> Cpu {
        assert!(self.is_available(), "this machine does not have {}", self.name());
        self
    }

    /// The f32 kernels of the path. Panics if this machine does not have it.
    pub(super) fn kernels(self) -> &'static KernelTable {
        match self.checked() {
            #[cfg(target_arch = "x86_64")]
            Cpu::Amx | Cpu::Avx512 => &x86::avx512::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => &x86::avx2::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Cpu::Neon => &neon::KERNELS,
            _ => &portable::KERNELS,
        }
    }

    /// Runs a task in as many lanes as the path has. Panics if this machine does not have it.
    pub(crate) fn run<T: LaneTask>(self, task: T) -> T::Output {
        match self.checked() {
            #[cfg(target_arch = "x86_64")]
            Cpu::Amx | Cpu::Avx512 | Cpu::Avx2 => avx2_lanes::run(task),
            #[cfg(target_arch = "aarch64")]
            Cpu::Neon => neon_lanes::run(task),
            _ => task.run::<PortableLanes<4>, 4>(),
        }
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_available(self) -> bool {
        let has_popcnt = is_x86_feature_detected!("popcnt");
        match self {
            Cpu::Amx => Cpu::Avx512.is_available() && amx::is_available(),
            Cpu::Avx512 => is_x86_feature_detected!("avx512f") && Cpu::Avx2.is_available(),
            Cpu::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && has_popcnt,
            Cpu::Neon => false,
            Cpu::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn is_available(self) -> bool {
        self == Cpu::Portable || cfg!(target_arch = "aarch64") && self == Cpu::Neon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_machine_have_names() {
        assert_eq!(Cpu::from_name("portable"), Some(Cpu::Portable));
        assert_eq!(Cpu::from_name("abacus"), None);
        assert_eq!(Cpu::from_name(Cpu::detect().name()), Some(Cpu::detect()));
    }
}
