/* SPDX-License-Identifier: MIT */
/* The exported dlopen, dlsym and dlvsym. Each keeps its arguments in memory (struct dl_arguments), asks
 * its hook, and returns the answer, or leaves by a jump to the real function, with the stack and the
 * return address as they were when it was called. */
	.text

#if defined(__x86_64__)

/* rdi, rsi, rdx are the arguments. Three pushes also align the stack for the calls. */
	.macro TRAMPOLINE name
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	push %rdx
	.cfi_adjust_cfa_offset 8
	push %rsi
	.cfi_adjust_cfa_offset 8
	push %rdi
	.cfi_adjust_cfa_offset 8
	mov %rsp, %rdi
	mov 24(%rsp), %rsi /* the caller */
	call dl_hook_\name
	test %rax, %rax
	jnz 1f
	call dl_real_\name
	.cfi_remember_state
	pop %rdi
	.cfi_adjust_cfa_offset -8
	pop %rsi
	.cfi_adjust_cfa_offset -8
	pop %rdx
	.cfi_adjust_cfa_offset -8
	test %rax, %rax
	jz 2f
	jmp *%rax
	.cfi_restore_state
1:	add $24, %rsp
	.cfi_adjust_cfa_offset -24
2:	ret /* NULL when there is no real one, which is what it would return when it fails */
	.cfi_endproc
	.size \name, . - \name
	.endm

#if defined(__CET__)
	/* Says that this file, too, is fit for indirect branch tracking and shadow stacks. */
	.pushsection .note.gnu.property, "a"
	.p2align 3
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
	.popsection
#endif

#elif defined(__aarch64__)

/* x0, x1, x2 are the arguments; x30 is the return address. */
	.macro TRAMPOLINE name
	.globl \name
	.type \name, %function
\name:
	.cfi_startproc
	hint #34 /* bti c */
	stp x29, x30, [sp, #-48]!
	.cfi_def_cfa_offset 48
	.cfi_offset 29, -48
	.cfi_offset 30, -40
	mov x29, sp
	stp x0, x1, [sp, #16]
	str x2, [sp, #32]
	add x0, sp, #16
	mov x1, x30 /* the caller */
	bl dl_hook_\name
	cbnz x0, 1f
	bl dl_real_\name
	.cfi_remember_state
	mov x16, x0
	ldp x0, x1, [sp, #16]
	ldr x2, [sp, #32]
	ldp x29, x30, [sp], #48
	.cfi_restore 29
	.cfi_restore 30
	.cfi_def_cfa_offset 0
	cbz x16, 2f
	br x16
2:	mov x0, xzr /* there is no real one: NULL, which is what it would return when it fails */
	ret
	.cfi_restore_state
1:	ldp x29, x30, [sp], #48
	.cfi_restore 29
	.cfi_restore 30
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	.size \name, . - \name
	.endm

#endif

#if defined(__x86_64__) || defined(__aarch64__)
	TRAMPOLINE dlopen
	TRAMPOLINE dlsym
	TRAMPOLINE dlvsym
#endif

	.section .note.GNU-stack, "", %progbits
