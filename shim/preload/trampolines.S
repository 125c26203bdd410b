/* SPDX-License-Identifier: MIT */
/*
 * The exported dlopen, dlsym and dlvsym. Each keeps its arguments, asks its door, and leaves by a
 * jump to the real function, with the stack and the return address as they were when it was called.
 */
	.text

#if defined(__x86_64__)

/* rdi, rsi, rdx are the arguments. Three pushes also align the stack for the calls. */
	.macro ENTER name
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	push %rdi
	.cfi_adjust_cfa_offset 8
	push %rsi
	.cfi_adjust_cfa_offset 8
	push %rdx
	.cfi_adjust_cfa_offset 8
	.endm

	.macro JUMP real
	call \real
	pop %rdx
	.cfi_adjust_cfa_offset -8
	pop %rsi
	.cfi_adjust_cfa_offset -8
	pop %rdi
	.cfi_adjust_cfa_offset -8
	test %rax, %rax
	jz 9f
	jmp *%rax
9:	ret /* there is none: NULL, which is what it would return when it fails */
	.endm

/* DL_NOT_THERE, which is -1, becomes NULL. */
	.macro NOT_THERE
	cmp $-1, %rax
	jne 8f
	xor %eax, %eax
8:
	.endm

	.macro LEAVE name
	.cfi_endproc
	.size \name, . - \name
	.endm

	ENTER dlopen
	call dl_hook_dlopen
	mov %rax, 8(%rsp) /* the flags, where rsi is kept */
	JUMP dl_real_dlopen
	LEAVE dlopen

	ENTER dlsym
	mov 24(%rsp), %rdx /* the caller */
	call dl_hook_dlsym
	test %rax, %rax
	jnz 1f
	.cfi_remember_state
	JUMP dl_real_dlsym
	.cfi_restore_state
1:	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	NOT_THERE
	ret
	LEAVE dlsym

	ENTER dlvsym
	mov 24(%rsp), %rcx /* the caller */
	call dl_hook_dlvsym
	test %rax, %rax
	jnz 1f
	.cfi_remember_state
	JUMP dl_real_dlvsym
	.cfi_restore_state
1:	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	NOT_THERE
	ret
	LEAVE dlvsym

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
	.macro ENTER name
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
	.endm

	.macro RESTORE
	ldp x29, x30, [sp], #48
	.cfi_restore 29
	.cfi_restore 30
	.cfi_def_cfa_offset 0
	.endm

	.macro JUMP real
	bl \real
	mov x16, x0
	ldp x0, x1, [sp, #16]
	ldr x2, [sp, #32]
	RESTORE
	cbz x16, 9f
	br x16
9:	mov x0, xzr /* there is none: NULL, which is what it would return when it fails */
	ret
	.endm

	.macro LEAVE name
	.cfi_endproc
	.size \name, . - \name
	.endm

	ENTER dlopen
	bl dl_hook_dlopen
	str x0, [sp, #24] /* the flags, where x1 is kept */
	JUMP dl_real_dlopen
	LEAVE dlopen

	ENTER dlsym
	mov x2, x30 /* the caller */
	bl dl_hook_dlsym
	cbnz x0, 1f
	.cfi_remember_state
	JUMP dl_real_dlsym
	.cfi_restore_state
1:	RESTORE
	cmn x0, #1 /* DL_NOT_THERE, which is -1, becomes NULL */
	csel x0, xzr, x0, eq
	ret
	LEAVE dlsym

	ENTER dlvsym
	mov x3, x30 /* the caller */
	bl dl_hook_dlvsym
	cbnz x0, 1f
	.cfi_remember_state
	JUMP dl_real_dlvsym
	.cfi_restore_state
1:	RESTORE
	cmn x0, #1 /* DL_NOT_THERE, which is -1, becomes NULL */
	csel x0, xzr, x0, eq
	ret
	LEAVE dlvsym

#endif

	.section .note.GNU-stack, "", %progbits
