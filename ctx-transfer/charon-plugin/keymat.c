/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keymat.h"

#include "context_check.h"
#include "rekey.h"
#include "releases.h"
#include "resume.h"

typedef struct private_keymat_t private_keymat_t;

struct private_keymat_t
{
	keymat_v2_t public;

	/* charon's own, which does the work unless keys were imported */
	keymat_v2_t *inner;

	hasync_memory_t *memory;
	bool initiator;

	/* of an imported IKE_SA */
	bool imported;
	aead_t *aead_in;
	aead_t *aead_out;
	pseudo_random_function_t prf;
};

static __thread hasync_memory_t *deriving;

METHOD(keymat_t, get_version, ike_version_t, private_keymat_t *this)
{
	return IKEV2;
}

METHOD(keymat_t, create_ke, key_exchange_t *, private_keymat_t *this, key_exchange_method_t method)
{
	return hasync_resume_is_active() ? hasync_resume_create_ke(&this->inner->keymat, method)
									 : hasync_rekey_create_ke(&this->inner->keymat, method);
}

METHOD(keymat_t, create_nonce_gen, nonce_gen_t *, private_keymat_t *this)
{
	return hasync_resume_is_active() ? hasync_resume_nonce_gen()
									 : this->inner->keymat.create_nonce_gen(&this->inner->keymat);
}

METHOD(keymat_t, get_aead, aead_t *, private_keymat_t *this, bool in)
{
	if (this->imported)
	{
		return in ? this->aead_in : this->aead_out;
	}
	return this->inner->keymat.get_aead(&this->inner->keymat, in);
}

METHOD(keymat_v2_t, derive_ike_keys, bool, private_keymat_t *this, proposal_t *proposal, hasync_kes_t kes,
	   chunk_t nonce_i, chunk_t nonce_r, ike_sa_id_t *id, pseudo_random_function_t rekey_function,
	   chunk_t rekey_skd)
{
	ike_sa_t *rekeyed = charon->bus->get_sa(charon->bus);
	bool derived;

	if (rekeyed && hasync_resume_is_refused(hasync_memory_of(rekeyed), nonce_i))
	{
		return FALSE;
	}
	/* charon passes the keys to the listener in this thread, but not always with the IKE_SA that they belong
	 * to */
	deriving = this->memory;
	derived = this->inner->derive_ike_keys(this->inner, proposal, kes, nonce_i, nonce_r, id, rekey_function,
										   rekey_skd);
	deriving = NULL;
	return derived;
}

METHOD(keymat_v2_t, derive_ike_keys_ppk, bool, private_keymat_t *this, chunk_t ppk)
{
	return this->inner->derive_ike_keys_ppk(this->inner, ppk);
}

/* Bytes that one direction of a CHILD_SA takes; FALSE if the algorithm is not known. */
static bool child_key_lengths(proposal_t *proposal, int *encryption, int *integrity)
{
	uint16_t alg, bits;

	*encryption = *integrity = 0;
	if (proposal->get_algorithm(proposal, ENCRYPTION_ALGORITHM, &alg, &bits))
	{
		*encryption = hasync_encryption_key_length(alg, bits);
	}
	if (proposal->get_algorithm(proposal, INTEGRITY_ALGORITHM, &alg, &bits))
	{
		*integrity = hasync_integrity_key_length(alg);
	}
	return *encryption >= 0 && *integrity >= 0;
}

METHOD(keymat_v2_t, derive_child_keys, bool, private_keymat_t *this, proposal_t *proposal, hasync_kes_t kes,
	   chunk_t nonce_i, chunk_t nonce_r, chunk_t *encr_i, chunk_t *integ_i, chunk_t *encr_r, chunk_t *integ_r)
{
	chunk_t secret, more, seed, keymat = chunk_empty;
	int encryption, integrity;
	kdf_t *kdf;
	bool derived;

	if (hasync_resume_is_refused(this->memory, nonce_i))
	{
		return FALSE;
	}
	if (!this->imported)
	{
		return this->inner->derive_child_keys(this->inner, proposal, kes, nonce_i, nonce_r, encr_i, integ_i,
											  encr_r, integ_r);
	}
	if (!child_key_lengths(proposal, &encryption, &integrity) || !hasync_shared_secrets(kes, &secret, &more))
	{
		return FALSE;
	}
	/* RFC 7296, section 2.17: KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr), first the initiator's keys */
	seed = chunk_cat("sccs", secret, nonce_i, nonce_r, more);
	kdf = lib->crypto->create_kdf(lib->crypto, KDF_PRF_PLUS, this->prf);
	derived = kdf && kdf->set_param(kdf, KDF_PARAM_KEY, this->memory->keys.d) &&
			  kdf->set_param(kdf, KDF_PARAM_SALT, seed) &&
			  kdf->allocate_bytes(kdf, 2 * (encryption + integrity), &keymat);
	DESTROY_IF(kdf);
	chunk_clear(&seed);
	if (!derived)
	{
		return FALSE;
	}
	chunk_split(keymat, "aaaa", (size_t)encryption, encr_i, (size_t)integrity, integ_i, (size_t)encryption,
				encr_r, (size_t)integrity, integ_r);
	chunk_clear(&keymat);
	return TRUE;
}

METHOD(keymat_v2_t, get_skd, pseudo_random_function_t, private_keymat_t *this, chunk_t *skd)
{
	if (this->imported)
	{
		*skd = this->memory->keys.d;
		return this->prf;
	}
	return this->inner->get_skd(this->inner, skd);
}

HASYNC_FORWARD_INT_AUTH(private_keymat_t)

METHOD(keymat_v2_t, get_auth_octets, bool, private_keymat_t *this, bool verify, chunk_t ike_sa_init,
	   chunk_t nonce, HASYNC_INT_AUTH_PARAM chunk_t ppk, identification_t *id, char reserved[3],
	   chunk_t *octets, array_t *schemes)
{
	return this->inner->get_auth_octets(this->inner, verify, ike_sa_init, nonce, HASYNC_INT_AUTH ppk, id,
										reserved, octets, schemes);
}

METHOD(keymat_v2_t, get_psk_sig, bool, private_keymat_t *this, bool verify, chunk_t ike_sa_init,
	   chunk_t nonce, HASYNC_INT_AUTH_PARAM chunk_t secret, chunk_t ppk, identification_t *id,
	   char reserved[3], chunk_t *sig)
{
	return this->inner->get_psk_sig(this->inner, verify, ike_sa_init, nonce, HASYNC_INT_AUTH secret, ppk, id,
									reserved, sig);
}

METHOD(keymat_v2_t, hash_algorithm_supported, bool, private_keymat_t *this, hash_algorithm_t hash)
{
	return this->inner->hash_algorithm_supported(this->inner, hash);
}

METHOD(keymat_v2_t, add_hash_algorithm, void, private_keymat_t *this, hash_algorithm_t hash)
{
	this->inner->add_hash_algorithm(this->inner, hash);
}

METHOD(keymat_t, destroy, void, private_keymat_t *this)
{
	this->inner->keymat.destroy(&this->inner->keymat);
	DESTROY_IF(this->aead_in);
	DESTROY_IF(this->aead_out);
	hasync_memory_destroy(this->memory);
	free(this);
}

static keymat_t *keymat_create_wrapped(bool initiator)
{
	private_keymat_t *this;

	/* clang-format off */
	INIT(this,
		.public = {
			.keymat = {
				.get_version = _get_version,
				.create_ke = _create_ke,
				.create_nonce_gen = _create_nonce_gen,
				.get_aead = _get_aead,
				.destroy = _destroy,
			},
			.derive_ike_keys = _derive_ike_keys,
			.derive_ike_keys_ppk = _derive_ike_keys_ppk,
			.derive_child_keys = _derive_child_keys,
			.get_skd = _get_skd,
			HASYNC_INT_AUTH_METHOD
			.get_auth_octets = _get_auth_octets,
			.get_psk_sig = _get_psk_sig,
			.add_hash_algorithm = _add_hash_algorithm,
			.hash_algorithm_supported = _hash_algorithm_supported,
		},
		.inner = keymat_v2_create(initiator),
		.memory = hasync_memory_create(),
		.initiator = initiator,
	);
	/* clang-format on */
	return &this->public.keymat;
}

void hasync_keymat_register()
{
	keymat_register_constructor(IKEV2, keymat_create_wrapped);
}

void hasync_keymat_unregister()
{
	keymat_register_constructor(IKEV2, NULL);
}

static private_keymat_t *keymat_of(ike_sa_t *ike_sa)
{
	keymat_t *keymat = ike_sa->get_keymat(ike_sa);

	return keymat && keymat->destroy == _destroy ? (private_keymat_t *)keymat : NULL;
}

hasync_memory_t *hasync_memory_of(ike_sa_t *ike_sa)
{
	private_keymat_t *this = keymat_of(ike_sa);

	return this ? this->memory : NULL;
}

hasync_memory_t *hasync_memory_deriving()
{
	return deriving;
}

/* Takes the salt from the end of the key, as RFC 4106, section 8.1 and RFC 5282, section 7.1 lay it out. */
static aead_t *create_combined(uint16_t alg, uint16_t bits, chunk_t key)
{
	size_t salt = key.len - bits / 8;
	aead_t *aead = lib->crypto->create_aead(lib->crypto, alg, bits / 8, salt);

	if (aead && (aead->get_key_size(aead) != key.len || !aead->set_key(aead, key)))
	{
		aead->destroy(aead);
		return NULL;
	}
	return aead;
}

static aead_t *create_classic(uint16_t alg, uint16_t bits, uint16_t integrity, chunk_t encryption_key,
							  chunk_t integrity_key)
{
	crypter_t *crypter = lib->crypto->create_crypter(lib->crypto, alg, bits / 8);
	signer_t *signer = lib->crypto->create_signer(lib->crypto, integrity);
	iv_gen_t *ivs = iv_gen_create_for_alg(alg);
	aead_t *aead;
	chunk_t both;
	bool set;

	if (!crypter || !signer || !ivs)
	{
		DESTROY_IF(crypter);
		DESTROY_IF(signer);
		DESTROY_IF(ivs);
		return NULL;
	}
	aead = aead_create(crypter, signer, ivs);
	both = chunk_cat("cc", integrity_key, encryption_key);
	set = aead->get_key_size(aead) == both.len && aead->set_key(aead, both);
	chunk_clear(&both);
	if (!set)
	{
		aead->destroy(aead);
		return NULL;
	}
	return aead;
}

static aead_t *create_aead(proposal_t *proposal, chunk_t encryption_key, chunk_t integrity_key)
{
	uint16_t alg, bits, integrity;

	if (!proposal->get_algorithm(proposal, ENCRYPTION_ALGORITHM, &alg, &bits))
	{
		return NULL;
	}
	if (!bits)
	{
		bits = keymat_get_keylen_encr(alg);
	}
	if (encryption_algorithm_is_aead(alg))
	{
		return create_combined(alg, bits, encryption_key);
	}
	if (!proposal->get_algorithm(proposal, INTEGRITY_ALGORITHM, &integrity, NULL))
	{
		return NULL;
	}
	return create_classic(alg, bits, integrity, encryption_key, integrity_key);
}

bool hasync_keymat_import(ike_sa_t *ike_sa, proposal_t *proposal)
{
	private_keymat_t *this = keymat_of(ike_sa);
	hasync_ike_keys_t *keys;
	aead_t *aead_i, *aead_r;
	uint16_t prf;
	kdf_t *kdf;

	if (!this || !proposal->get_algorithm(proposal, PSEUDO_RANDOM_FUNCTION, &prf, NULL))
	{
		return FALSE;
	}
	kdf = lib->crypto->create_kdf(lib->crypto, KDF_PRF_PLUS, prf);
	if (!kdf)
	{
		return FALSE;
	}
	kdf->destroy(kdf);

	keys = &this->memory->keys;
	aead_i = create_aead(proposal, keys->ei, keys->ai);
	aead_r = create_aead(proposal, keys->er, keys->ar);
	if (!aead_i || !aead_r)
	{
		DESTROY_IF(aead_i);
		DESTROY_IF(aead_r);
		return FALSE;
	}
	DESTROY_IF(this->aead_in);
	DESTROY_IF(this->aead_out);
	this->aead_in = this->initiator ? aead_r : aead_i;
	this->aead_out = this->initiator ? aead_i : aead_r;
	this->prf = prf;
	this->imported = TRUE;
	return TRUE;
}

/* With a PPK (RFC 8784) SK_d is not the one that was derived first. */
static void know_skd(private_keymat_t *this)
{
	chunk_t skd;

	if (!this->imported)
	{
		this->inner->get_skd(this->inner, &skd);
		chunk_clear(&this->memory->keys.d);
		this->memory->keys.d = chunk_clone(skd);
	}
}

bool hasync_keymat_renew(ike_sa_t *ike_sa)
{
	private_keymat_t *this = keymat_of(ike_sa);

	if (!this || !this->memory->keys_known)
	{
		return FALSE;
	}
	know_skd(this);
	if (!hasync_keymat_import(ike_sa, ike_sa->get_proposal(ike_sa)))
	{
		return FALSE;
	}
	this->memory->answered_for = FALSE;
	return TRUE;
}
